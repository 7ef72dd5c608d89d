from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens.credentials.azure_powershell import AzurePowerShell
from entra_tokens.errors import ConfigurationError, CredentialUnavailable
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for pwsh is a POSIX script")


@pytest.fixture
def pwsh(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PATH", e.environ("azure_powershell")["PATH"])
    yield
    e.tools.az_accounts_version, e.tools.scripts_blocked = "5.2.0", False
    e.tools.sign_in("pwsh")


@pytest.mark.parametrize("version", ["2.2.0", "2.17.0", "5.2.0"])
def test_a_token(e: Emulator, pwsh: None, version: str) -> None:
    e.tools.az_accounts_version = version
    token = AzurePowerShell().acquire(ASK)
    assert token.expires_on == pytest.approx(token.claims()["exp"], abs=1)
    assert AzurePowerShell(tenant_id=e.tenant_id).acquire(ASK)


def test_why_not(e: Emulator, pwsh: None) -> None:
    one = AzurePowerShell()
    e.tools.sign_out("pwsh")
    with pytest.raises(CredentialUnavailable, match="Connect-AzAccount"):
        one.acquire(ASK)
    e.tools.scripts_blocked = True
    with pytest.raises(CredentialUnavailable, match="policy"):
        one.acquire(ASK)
    e.tools.scripts_blocked, e.tools.az_accounts_version = False, None
    with pytest.raises(CredentialUnavailable, match=r"Az\.Account.*Install"):
        one.acquire(ASK)


def test_no_powershell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CredentialUnavailable, match=r"not installed.*aka\.ms/powershell"):
        AzurePowerShell().acquire(ASK)


def test_a_claims_challenge_says_what_to_run(pwsh: None) -> None:
    with pytest.raises(CredentialUnavailable, match="ClaimsChallenge"):
        AzurePowerShell().acquire(TokenRequest(ASK.scopes, claims="{}"))


def test_one_scope_only() -> None:
    with pytest.raises(ConfigurationError, match="exactly one"):
        AzurePowerShell().acquire(TokenRequest(("a://1/x", "a://1/y")))


@pytest.mark.parametrize("bad", [{"tenant_id": "a'b"}, {"timeout": 0}], ids=str)
def test_bad_input(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        AzurePowerShell(**bad)


def test_identity_and_pickling() -> None:
    one = AzurePowerShell(tenant_id="t.example", timeout=3)
    assert one != AzurePowerShell()
    assert pickle.loads(pickle.dumps(one)) == one
