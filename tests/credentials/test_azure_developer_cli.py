from __future__ import annotations

import json
import os
import pickle
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens.credentials.azure_developer_cli import AzureDeveloperCli
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
    InteractionRequired,
)
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for azd is a POSIX script")


@pytest.fixture
def azd(e: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("PATH", e.environ("azd")["PATH"])
    monkeypatch.setenv("AZD_CONFIG_DIR", str(tmp_path))
    yield
    e.tools.azd_offset, e.tools.azd_version = False, "1.24.0"
    e.tools.sign_in("azd")


def says(folder: Path, monkeypatch: pytest.MonkeyPatch, out: str, err: str = "", status: int = 0) -> None:
    """An azd that prints this and notes how it was started."""
    path = folder / "azd"
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"started = {{'argv': sys.argv[1:], 'cwd': os.getcwd(), 'stdin': sys.stdin.read()}}\n"
        f"open({str(folder / 'started.json')!r}, 'w').write(json.dumps(started))\n"
        f"sys.stdout.write({out!r}); sys.stderr.write({err!r}); sys.exit({status})\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture(params=["Asia/Tokyo", "America/Los_Angeles", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", str(request.param))
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("offset", [False, True])
def test_the_expiry_is_right_wherever_the_machine_is(e: Emulator, azd: None, zone: None, offset: bool) -> None:
    """azure-identity reads the `Z` as local time, and an offset not at all."""
    e.tools.azd_offset = offset
    token = AzureDeveloperCli().acquire(ASK)
    assert token.expires_on == token.claims()["exp"]


@pytest.mark.parametrize(
    "written", ["2100-01-01T00:00:00Z", "2100-01-01T09:00:00+09:00", "2100-01-01T00:00:00.1234567Z"]
)
def test_every_form_of_expiry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: None, written: str) -> None:
    says(tmp_path, monkeypatch, "a warning\n" + json.dumps({"token": "opaque", "expiresOn": written}, indent=2))
    token = AzureDeveloperCli().acquire(ASK)
    assert token == "opaque"
    assert token.expires_on == datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp()


def test_how_it_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(tmp_path, monkeypatch, json.dumps({"token": "t", "expiresOn": "2100-01-01T00:00:00Z"}))
    claims = '{"access_token":{}}'
    AzureDeveloperCli(tenant_id="t.example").acquire(TokenRequest(("a://1/x", "a://1/y"), claims=claims))
    started = json.loads((tmp_path / "started.json").read_text())
    assert started["argv"] == [
        *("auth", "token", "--output", "json", "--no-prompt", "--scope", "a://1/x", "--scope", "a://1/y"),
        *("--tenant-id", "t.example", "--claims", "eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="),
    ]
    assert started["stdin"] == ""
    assert started["cwd"] not in (os.getcwd(), str(tmp_path))


def test_another_tenant(e: Emulator, azd: None) -> None:
    with pytest.raises(AuthenticationFailed, match="AADSTS90002"):
        AzureDeveloperCli().acquire(TokenRequest(ASK.scopes, tenant_id="other.example"))
    assert AzureDeveloperCli(tenant_id=e.tenant_id).acquire(ASK)


@pytest.mark.parametrize("version", ["1.18.1", "1.23.10", "1.24.0"])
def test_refusals_in_the_words_of_each_version(e: Emulator, azd: None, version: str) -> None:
    e.tools.azd_version = version
    with e.fail("azd", error=50076), pytest.raises(InteractionRequired, match=r"AADSTS50076.*azd auth login"):
        AzureDeveloperCli().acquire(ASK)
    e.tools.sign_out("azd")
    with pytest.raises(CredentialUnavailable, match="azd auth login"):
        AzureDeveloperCli().acquire(ASK)


def test_an_old_azd_and_a_claims_challenge(e: Emulator, azd: None) -> None:
    e.tools.azd_version = "1.17.0"
    with pytest.raises(CredentialUnavailable, match=r"1\.18\.1"):
        AzureDeveloperCli().acquire(TokenRequest(ASK.scopes, claims="{}"))


MARKED = json.dumps({"token": "MARKER", "expiresOn": "soon"})


@pytest.mark.parametrize(
    ("out", "err", "status", "kind"),
    [
        ("", "", 1, AuthenticationFailed),
        ("", "ERROR: dial tcp: connection refused", 1, AuthorityUnavailable),
        ("", "", 127, CredentialUnavailable),
        ("not JSON", "", 0, AuthenticationFailed),
        (MARKED, "", 0, AuthorityUnavailable),
        (MARKED, "", 1, AuthenticationFailed),
        (json.dumps({"token": "MARKER", "expiresOn": "2001-01-01T00:00:00Z"}), "", 0, AuthorityUnavailable),
        ("", "access_token=MARKER", 1, AuthenticationFailed),
    ],
)
def test_what_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, err: str, status: int, kind: type[EntraTokensError]
) -> None:
    says(tmp_path, monkeypatch, out, err, status)
    with pytest.raises(kind) as caught:
        AzureDeveloperCli().acquire(ASK)
    assert type(caught.value) is kind
    assert "MARKER" not in str(caught.value)
    assert caught.value.__context__ is None


def test_no_azd_and_one_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CredentialUnavailable, match="no 'azd' on PATH"):
        AzureDeveloperCli().acquire(ASK)
    (tmp_path / "azd").write_text("#!/nowhere/at/all\n")
    (tmp_path / "azd").chmod(0o755)
    with pytest.raises(CredentialUnavailable, match="cannot be started"):
        AzureDeveloperCli().acquire(ASK)


def test_one_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "azd").write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    (tmp_path / "azd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuthorityUnavailable, match=r"within 0\.3 s"):
        AzureDeveloperCli(timeout=0.3).acquire(ASK)


@pytest.mark.parametrize("bad", [{"tenant_id": "a;b"}, {"tenant_id": "-x"}, {"timeout": 0}], ids=str)
def test_bad_input(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        AzureDeveloperCli(**bad)


def test_identity_and_pickling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZD_CONFIG_DIR", str(tmp_path))
    before = AzureDeveloperCli()
    (tmp_path / "auth.json").write_text("{}")
    after = AzureDeveloperCli(timeout=3)
    assert before != after
    assert pickle.loads(pickle.dumps(after)) == after
