"""Another language's Azure library, as it comes from npm, gets its tokens from `exec --serve`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.command import environ_of, run
from entra_tokens import Token
from entra_tokens.emulator import Emulator
from nodejs import modules


@pytest.mark.parametrize("form", [[], ["--imds"]])
def test_unmodified_azure_identity_of_node_gets_tokens(form: list[str], tmp_path: Path) -> None:
    with Emulator() as emulator:
        variables = {**emulator.environ("app_service"), "NODE_PATH": str(modules()), "HTTP_PROXY": "http://127.0.0.1:9"}
        program = ["node", str(Path(__file__).with_name("ask.cjs")), "api://of-node/.default"]
        arguments = ["--credential", "managed-identity", "--scope", "api://of-node", "--serve", *form, "--", *program]
        ended = run("exec", *arguments, environ=environ_of(tmp_path, variables))
        requests = len(emulator.requests)
    assert ended.returncode == 0, ended.stderr
    got = json.loads(ended.stdout)
    assert len(got) == 3
    assert len({token for token, _ in got}) == 1
    claims = Token(got[0][0], expires_on=0).claims()
    assert claims["aud"] == "api://of-node"
    assert all(abs(expires_on - claims["exp"]) <= 2 for _, expires_on in got)
    assert requests == 1
