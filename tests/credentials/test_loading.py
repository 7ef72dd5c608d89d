"""A credential loads only what it uses, and when it uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"

_PROGRAM = """
import json, sys
from entra_tokens import *
import entra_tokens as e
HEAVY = {"aiohttp", "azure", "click", "cryptography", "httpcore", "httpx", "keyring", "msal", "requests", "rich", "ssl"}

def loaded():
    return sorted(HEAVY & {name.partition(".")[0] for name in sys.modules})

def asked(credential):
    try:
        credential.acquire(e.TokenRequest(("api://app/.default",)))
    except e.EntraTokensError:
        pass
    return loaded()

app = ("t.example", "c")
made = [
    e.AzureCli(), e.AzureDeveloperCli(), e.AzurePowerShell(), e.AzurePipelines(*app, "connection"), e.Default(),
    e.ClientAssertion(*app, len), e.ClientCertificate(*app, "c.pem"), e.ClientSecret(*app, "s"), e.DeviceCode("c"),
    e.Environment(), e.GitHubActions(*app), e.InteractiveBrowser("c"), e.ManagedIdentity(),
    e.OnBehalfOf(*app, "s", "u"), e.StaticToken("t", expires_on=9e9), e.WorkloadIdentity(),
]
print(json.dumps({
    "made": loaded(),
    "static": asked(e.StaticToken("t", expires_on=9e9)),
    "nothing set": asked(e.Environment()),
    "no azd": asked(e.AzureDeveloperCli()),
    "pod": asked(e.WorkloadIdentity(
        tenant_id=app[0], client_id=app[1], token_file=sys.argv[1], authority="https://localhost:1", verify=False
    )),
    "secret": asked(e.ClientSecret(*app, "s", authority="https://localhost:1", verify=False)),
    "az": asked(e.AzureCli()),
}))
"""


def test_a_credential_loads_only_what_it_uses(tmp_path: Path) -> None:
    environ = {"PYTHONPATH": str(SRC), "PATH": str(tmp_path), "HOME": str(tmp_path), "ENTRA_TOKENS_HOME": str(tmp_path)}
    if os.name == "nt":
        environ["SYSTEMROOT"] = os.environ["SYSTEMROOT"]  # noqa: TID251 - no process starts without it
    file = tmp_path / "token"
    file.write_text("a.b.c")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(file)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["made"] == found["static"] == found["nothing set"] == found["no azd"] == []
    assert found["pod"] == ["ssl"]
    # msal brings requests along. What the command and the emulator need is there, and is not touched.
    assert {"httpcore", "msal"} <= set(found["secret"]) <= {"httpcore", "msal", "requests", "ssl"}
    assert "azure" in found["az"], "what a command needs is loaded when it is asked for"
