from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..kit import run_sample, sample_environ, stub
from .test_azure_core import answers

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("adlfs_files", "sync:  ['photographs']\nasync: ['photographs']\n"),
        ("keyvault_secrets", "sync:  a\nasync: a\n"),
        ("kiota_graph", "sync:  True\nasync: True\n"),
    ],
)
def test_a_sample_runs(name: str, said: str, emulator: Emulator) -> None:
    with stub(answers) as server:
        if name == "keyvault_secrets":
            server.refused = {None}
            tenant = f"{emulator.authority}/{emulator.tenant_id}"
            server.challenge = f'Bearer authorization="{tenant}", resource="https://vault.azure.net"'
        environ = {
            **sample_environ(emulator),
            "ACCOUNT": "account",
            "ACCOUNT_HOST": server.authority,
            "VAULT_URL": server.url,
            "SECRET_NAME": "a",
            "VAULT_IS_A_STUB": "1",
        }
        assert run_sample(name, environ) == said
        assert all(token.startswith("ey") for token in server.tokens if token)
