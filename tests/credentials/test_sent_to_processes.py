"""Providers without a secret inside are sent to other processes and get tokens there; the others refuse, helpfully."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from credentials.elsewhere import ask, federated_token
from emulator.places import at
from entra_tokens.credentials.chain import Chain
from entra_tokens.credentials.client_assertion import ClientAssertion
from entra_tokens.credentials.client_certificate import ClientCertificate
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.credentials.on_behalf_of import OnBehalfOf
from entra_tokens.credentials.static import StaticToken
from entra_tokens.credentials.workload_identity import WorkloadIdentity
from entra_tokens.provider import TokenProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

SCOPE = "api://app/.default"


@pytest.fixture
def sent(e: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, TokenProvider]]:
    """Providers that hold a token here, which must not travel with them, and the application that each is."""
    (tmp_path / "token").write_text(e.federated_token())
    monkeypatch.setenv("TEST_FEDERATED_TOKEN", str(tmp_path / "token"))
    options: dict[str, Any] = {"authority": e.authority, "verify": e.ca_file}
    application = (e.tenant_id, e.client_id)
    with at(e, "imds"):
        workload = WorkloadIdentity(
            tenant_id=e.tenant_id, client_id=e.client_id, token_file=tmp_path / "token", **options
        )
        credentials = {
            "managed identity": ManagedIdentity(client_id=e.identities.user_assigned[0].client_id),
            "workload identity": workload,
            "certificate": ClientCertificate(*application, e.client_certificate, **options),
            "assertion": ClientAssertion(*application, federated_token, **options),
            "chain": Chain(WorkloadIdentity(), workload),
        }
        providers = {name: TokenProvider(one, SCOPE) for name, one in credentials.items()}
        for provider in providers.values():
            provider.token()
        e.clear()
        yield providers


def refusing(e: Emulator) -> list[TokenProvider]:
    holders = [
        ClientSecret(e.tenant_id, e.client_id, "MARKER"),
        OnBehalfOf(e.tenant_id, e.client_id, federated_token, "MARKER"),
        StaticToken("MARKER", expires_on=4e9),
    ]
    return [TokenProvider(one, SCOPE) for one in holders]


def assert_asked_there(found: list[Any], sent: dict[str, TokenProvider], e: Emulator) -> None:
    assert [told for _, _, told in found] == [repr(provider) for provider in sent.values()]
    assert os.getpid() not in {process for process, _, _ in found}
    theirs = [e.identities.user_assigned[0].client_id, *[e.client_id] * 4]
    assert [application for _, application, _ in found] == theirs
    assert len(e.token_requests) >= len(sent), "no token travelled"


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_multiprocessing(sent: dict[str, TokenProvider], e: Emulator, how: str) -> None:
    if how not in multiprocessing.get_all_start_methods():  # Windows has one way only
        how = "spawn"
    with multiprocessing.get_context(how).Pool(1) as pool:
        found = pool.map(ask, sent.values(), chunksize=10)
        assert_asked_there(found, sent, e)
        for provider in refusing(e):
            with pytest.raises(TypeError, match="does not pickle"):
                pool.apply(ask, (provider,))


@pytest.mark.timeout(120)
def test_dask(sent: dict[str, TokenProvider], e: Emulator, tmp_path: Path) -> None:
    """Its schedulers with processes, both in one program of their own: it starts what it needs and must end."""
    import pickle

    (tmp_path / "sent").write_bytes(pickle.dumps([list(sent.values()), [e.tenant_id, e.client_id]]))
    program = Path(__file__).with_name("dask_program.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path / "sent", tmp_path / "found"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},  # noqa: TID251 - a child's
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found").read_text())
    for scheduler in ("processes", "distributed"):
        assert_asked_there(found[scheduler], sent, e)
        assert "does not pickle" in found[f"{scheduler} refused"], scheduler
        assert "MARKER" not in found[f"{scheduler} refused"]
