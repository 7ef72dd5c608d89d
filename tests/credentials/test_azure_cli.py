from __future__ import annotations

import json
import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens.credentials.azure_cli import AzureCli
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    InteractionRequired,
)
from entra_tokens.provider import TokenProvider
from entra_tokens.request import TokenRequest
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from pathlib import Path

ASK = TokenRequest(("api://app/.default",))
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for az is a POSIX script")


class Az:
    """A stand-in for `az` on PATH that says how it was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.says()

    def says(self, out: str | None = None, err: str = "", status: int = 0, hang: bool = False) -> None:
        if out is None:
            good = {"accessToken": "az-token", "expiresOn": "2001-01-01 00:00:00.000000", "expires_on": 4102444800}
            out = json.dumps(good)
        script = f"""#!{sys.executable}
import json, os, sys, signal
started = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "stdin": sys.stdin.read()}}
open({str(self.folder / "started.json")!r}, "w").write(json.dumps(started))
if {hang}:
    signal.pause()
sys.stdout.write({out!r}); sys.stderr.write({err!r}); sys.exit({status})
"""
        path = self.folder / "az"
        path.write_text(script)
        path.chmod(0o755)

    @property
    def started(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "started.json").read_text()))


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Az:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path))
    return Az(tmp_path)


def test_a_token_with_its_epoch_expiry(az: Az) -> None:
    token = AzureCli().acquire(ASK)
    assert token == "az-token"
    assert token.expires_on == 4102444800
    assert az.started["argv"] == ["account", "get-access-token", "--output", "json", "--resource", "api://app"]
    assert az.started["stdin"] == ""
    assert az.started["cwd"] not in (os.getcwd(), str(az.folder))


def test_tenant_and_subscription(az: Az) -> None:
    AzureCli(tenant_id="t.example").acquire(ASK)
    assert az.started["argv"][-2:] == ["--tenant", "t.example"]
    AzureCli(subscription="my sub").acquire(ASK)
    assert az.started["argv"][-2:] == ["--subscription", "my sub"]
    AzureCli().acquire(TokenRequest(ASK.scopes, tenant_id="other.example"))
    assert az.started["argv"][-2:] == ["--tenant", "other.example"]


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ({"err": "Please run 'az login' to setup account.", "status": 1}, CredentialUnavailable, "az login"),
        ({"err": "ERROR: AADSTS50076: MFA. Please run: az login", "status": 1}, InteractionRequired, "AADSTS50076"),
        ({"err": "ERROR: AADSTS500011: no such", "status": 1}, AuthenticationFailed, "AADSTS500011"),
        ({"err": "HTTPSConnectionPool: Max retries exceeded", "status": 1}, AuthorityUnavailable, "Max retries"),
        ({"status": 127}, CredentialUnavailable, "PATH"),
        ({"out": "warning: not JSON"}, AuthenticationFailed, "Unexpected output"),
        ({"out": "{}"}, AuthenticationFailed, "Unexpected output"),
        ({"out": json.dumps({"accessToken": "t", "expires_on": 1})}, AuthorityUnavailable, "already expired"),
    ],
    ids=str,
)
def test_failures(az: Az, script: dict[str, Any], kind: type[Exception], text: str) -> None:
    az.says(**{"out": "", **script})
    with pytest.raises(kind, match=text) as caught:
        AzureCli().acquire(ASK)
    assert type(caught.value) is kind


def test_a_command_that_does_not_end_is_stopped(az: Az) -> None:
    az.says(hang=True)
    with pytest.raises(AuthorityUnavailable, match=r"did not end within 0\.5 s"):
        AzureCli(timeout=0.5).acquire(ASK)


def test_no_az(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CredentialUnavailable, match="no 'az' on PATH"):
        AzureCli().acquire(ASK)


def test_the_profile_is_part_of_who_it_is(az: Az) -> None:
    profile = az.folder / "azureProfile.json"
    first = AzureCli()
    profile.write_text("{}")
    second = AzureCli()
    os.utime(profile, (1, 1))
    third = AzureCli()
    assert len({first.identity, second.identity, third.identity}) == 3
    assert third == AzureCli()
    assert str(profile) in third.identity


@pytest.mark.parametrize(
    "bad",
    [
        {"tenant_id": "a;b"},
        {"tenant_id": "-x"},
        {"subscription": "$(x)"},
        {"subscription": "--x"},
        {"subscription": ""},
        {"tenant_id": "t", "subscription": "s"},
        {"timeout": 0},
    ],
    ids=str,
)
def test_bad_input(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        AzureCli(**bad)


def test_a_tenant_in_the_request_beside_a_subscription(az: Az) -> None:
    with pytest.raises(ConfigurationError):
        AzureCli(subscription="s").acquire(TokenRequest(ASK.scopes, tenant_id="t.example"))


def test_a_claims_challenge_says_what_to_run(az: Az) -> None:
    with pytest.raises(CredentialUnavailable, match="claims-challenge"):
        AzureCli().acquire(TokenRequest(ASK.scopes, claims='{"access_token":{}}'))


def test_it_pickles() -> None:
    one = AzureCli(subscription="s", timeout=3)
    assert pickle.loads(pickle.dumps(one)) == one


def test_one_az_however_many_ask(az: Az) -> None:
    """azure-identity starts one for each caller, and one for each call."""
    os.mkfifo(az.folder / "go")
    good = json.dumps({"accessToken": "az-token", "expires_on": 4102444800})
    (az.folder / "az").write_text(
        f"#!{sys.executable}\nprint('started', file=open({str(az.folder / 'count')!r}, 'a'))\n"
        f"open({str(az.folder / 'go')!r}).read()\nprint({good!r})\n"
    )
    ready = threading.Barrier(9)

    def ask() -> str:
        ready.wait(20)
        return provider.token()

    with fresh_engine(), TokenProvider(AzureCli(timeout=50), "api://app") as provider, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        ready.wait(20)
        (az.folder / "go").write_text("on")  # opens when an az waits for it, by when all have asked
        assert {each.result(20) for each in asked} == {"az-token"}
        assert provider.token() == "az-token"
    assert (az.folder / "count").read_text().split() == ["started"]
