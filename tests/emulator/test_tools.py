"""The fake `az`, `azd` and `pwsh`, started by the unmodified azure-identity (both kinds) and by hand."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePowerShellCredential,
    ChainedTokenCredential,
    CredentialUnavailableError,
)
from azure.identity.aio import AzureCliCredential as AsyncAzureCliCredential
from azure.identity.aio import AzureDeveloperCliCredential as AsyncAzureDeveloperCliCredential
from azure.identity.aio import AzurePowerShellCredential as AsyncAzurePowerShellCredential

from entra_tokens.emulator.tools import at_least

from .places import SCOPE, VAULT, at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.emulator import Emulator

CREDENTIALS: dict[str, Any] = {
    "az": AzureCliCredential,
    "azd": AzureDeveloperCliCredential,
    "pwsh": AzurePowerShellCredential,
}
ASYNCHRONOUS: dict[str, Any] = {
    "az": AsyncAzureCliCredential,
    "azd": AsyncAzureDeveloperCliCredential,
    "pwsh": AsyncAzurePowerShellCredential,
}
PLACES = {"az": "azure_cli", "azd": "azd", "pwsh": "azure_powershell"}
each_tool = pytest.mark.parametrize("tool", list(CREDENTIALS))


def ask(tool: str, scope: str = SCOPE, **options: Any) -> Any:
    with CREDENTIALS[tool](**options) as credential:
        return credential.get_token(scope)


def ask_async(tool: str, **options: Any) -> Any:
    async def asked() -> Any:
        async with ASYNCHRONOUS[tool](**options) as credential:
            return await credential.get_token(SCOPE)

    return asyncio.run(asked())


both_kinds = pytest.mark.parametrize("ask", [ask, ask_async], ids=["sync", "async"])


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    """azure-identity reads azd's UTC as local time; elsewhere its expires_on is hours away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def run(e: Emulator, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    with at(e, PLACES[tool]):
        return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False, timeout=30)


@each_tool
@both_kinds
def test_a_token_of_the_person_who_is_signed_in(e: Emulator, ask: Callable[..., Any], tool: str) -> None:
    with at(e, PLACES[tool]):
        token = ask(tool)
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (claims["oid"], claims["scp"]) == (e.directory.user.object_id, "user_impersonation")
    assert abs(token.expires_on - e.now() - 3600) < 30
    (record,) = e.token_requests
    assert (record.path, record.grant, record.target, record.status) == (tool, tool, tool, 200)
    assert json.loads(record.form["arguments"])


@each_tool
def test_each_place_has_its_own_command_only(e: Emulator, tool: str) -> None:
    folder = e.environ(PLACES[tool])["PATH"].partition(":")[0]
    assert [name for name in CREDENTIALS if shutil.which(name, path=folder)] == [tool]


@each_tool
@both_kinds
def test_nobody_is_signed_in(e: Emulator, ask: Callable[..., Any], tool: str) -> None:
    e.sign_out(tool)
    with at(e, PLACES[tool]):
        with pytest.raises(CredentialUnavailableError, match=r"(?i)login|Connect-AzAccount"):
            ask(tool)
        e.sign_in(tool)
        assert ask(tool).token


@each_tool
def test_a_chain_goes_on_to_the_next(e: Emulator, tool: str) -> None:
    e.sign_out(tool)
    other = "azd" if tool == "az" else "az"
    with at(e, PLACES[tool]), at(e, PLACES[other]):
        credentials = [CREDENTIALS[tool](), CREDENTIALS[other]()]
        assert ChainedTokenCredential(*credentials).get_token(SCOPE).token
    assert [(record.target, record.status) for record in e.requests] == [(tool, 400), (other, 200)]


@pytest.mark.parametrize("tool", ["az", "azd"])
def test_one_that_hangs_is_given_up(e: Emulator, tool: str) -> None:
    """The other credentials give up as well, but leave the process's pipes to the garbage collector."""
    with e.fail(tool, fault="hang"), at(e, PLACES[tool]), pytest.raises(CredentialUnavailableError):
        ask(tool, process_timeout=0.3)


@each_tool
def test_one_that_hangs_ends_when_it_is_healed(e: Emulator, tool: str) -> None:
    with e.hold(tool) as gate, at(e, PLACES[tool]):
        process = subprocess.Popen([tool], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert gate.arrived.wait(20)
        assert process.poll() is None
        gate.release()
        process.communicate(timeout=20)
    assert process.returncode == 1


@each_tool
@pytest.mark.parametrize("fault", ["html", "bad_json", "empty", "reset"])
def test_rubbish(e: Emulator, tool: str, fault: str) -> None:
    with e.fail(tool, fault=fault), at(e, PLACES[tool]), pytest.raises(ClientAuthenticationError):
        ask(tool)


@each_tool
def test_another_tenant(e: Emulator, tool: str) -> None:
    with at(e, PLACES[tool]):
        assert ask(tool, tenant_id=e.tenant_id).token
        with pytest.raises(ClientAuthenticationError):
            ask(tool, tenant_id="00000000-0000-4000-8000-000000000000")


def test_it_is_fast(e: Emulator) -> None:
    """Nothing but the standard library's http is loaded."""
    with at(e, "azure_cli"):
        script = shutil.which("az")
        assert script is not None
        with open(script) as file:
            assert "-S -E" in file.read()


class TestAz:
    def test_an_old_one_prints_local_time_only(self, e: Emulator) -> None:
        e.tools.az_version = "2.53.1"
        output = json.loads(run(e, "az", "account", "get-access-token", "--resource", VAULT).stdout)
        assert "expires_on" not in output
        assert abs(datetime.strptime(output["expiresOn"], "%Y-%m-%d %H:%M:%S.%f").timestamp() - e.now() - 3600) < 30
        with at(e, "azure_cli"):
            assert abs(ask("az").expires_on - e.now() - 3600) < 30

    def test_what_it_prints(self, e: Emulator) -> None:
        text = run(e, "az", "account", "get-access-token", "--scope", SCOPE).stdout
        assert '"accessToken": "' in text, "what azure-identity looks for to take it out of its messages"
        output = json.loads(text)
        assert set(output) == {"accessToken", "expiresOn", "expires_on", "subscription", "tenant", "tokenType"}
        output = json.loads(run(e, "az", "account", "get-access-token", "-t", e.tenant_id).stdout)
        assert "subscription" not in output

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["--tenant", "T", "--subscription", "S"], "only one of subscription and tenant"),
            (["--subscription", "S"], "Subscription 'S' not found"),
            (["--tenant", "T"], "AADSTS90002"),
        ],
    )
    def test_refusals(self, e: Emulator, arguments: list[str], text: str) -> None:
        done = run(e, "az", "account", "get-access-token", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert text in done.stderr

    def test_a_refusal_by_the_authority(self, e: Emulator) -> None:
        e.fail("az", error=50076)
        done = run(e, "az", "account", "get-access-token", "--resource", VAULT)
        assert "AADSTS50076" in done.stderr
        assert "Interactive authentication is needed" in done.stderr
        with at(e, "azure_cli"), pytest.raises(ClientAuthenticationError, match="AADSTS50076"):
            ask("az")

    def test_another_command(self, e: Emulator) -> None:
        assert "misspelled" in run(e, "az", "vm", "list").stderr


class TestAzd:
    def test_claims(self, e: Emulator) -> None:
        with at(e, "azd"):
            credential = AzureDeveloperCliCredential()
            assert credential.get_token(SCOPE, claims='{"access_token":{}}').token
            e.tools.azd_version = "1.18.0"
            with pytest.raises(CredentialUnavailableError, match=r"1\.18\.1"):
                credential.get_token(SCOPE, claims='{"access_token":{}}')

    @pytest.mark.parametrize(
        ("version", "lines"),
        [
            ("1.24.0", [{"error", "message", "suggestion"}]),
            ("1.23.15", [{"type", "timestamp", "data"}, {"error"}]),
            ("1.23.6", [{"type", "timestamp", "data"}]),
        ],
    )
    @both_kinds
    def test_the_forms_of_an_error(
        self, e: Emulator, ask: Callable[..., Any], version: str, lines: list[set[str]]
    ) -> None:
        e.tools.azd_version = version
        e.fail("azd", error=53003)
        done = run(e, "azd", "auth", "token", "--output", "json", "--scope", SCOPE)
        assert done.stdout == ""
        assert [set(json.loads(line)) for line in done.stderr.splitlines()] == lines
        with at(e, "azd"), pytest.raises(ClientAuthenticationError, match="AADSTS53003"):
            ask("azd")

    def test_what_it_prints(self, e: Emulator) -> None:
        output = json.loads(run(e, "azd", "auth", "token", "--output", "json", "--scope", SCOPE).stdout)
        assert set(output) == {"token", "expiresOn"}
        assert output["expiresOn"].endswith("Z")
        e.tools.azd_offset = True
        output = json.loads(run(e, "azd", "auth", "token", "--scope", SCOPE).stdout)
        assert output["expiresOn"].endswith("+09:00")
        assert abs(datetime.fromisoformat(output["expiresOn"]).timestamp() - e.now() - 3600) < 30

    def test_an_offset_is_what_azure_identity_cannot_read(self, e: Emulator) -> None:
        e.tools.azd_offset = True
        with at(e, "azd"), pytest.raises(ClientAuthenticationError, match="Unexpected output"):
            ask("azd")

    def test_another_command(self, e: Emulator) -> None:
        assert "unknown command" in run(e, "azd", "up", "now").stderr


class TestPwsh:
    @pytest.mark.parametrize("version", [None, "2.1.0"])
    @both_kinds
    def test_no_module_or_an_old_one(self, e: Emulator, ask: Callable[..., Any], version: str | None) -> None:
        e.tools.az_accounts_version = version
        with at(e, "azure_powershell"), pytest.raises(CredentialUnavailableError, match=r">= 2\.2\.0"):
            ask("pwsh")

    @both_kinds
    def test_blocked_scripts(self, e: Emulator, ask: Callable[..., Any]) -> None:
        e.tools.scripts_blocked = True
        with at(e, "azure_powershell"), pytest.raises(CredentialUnavailableError, match="Execution policy"):
            ask("pwsh")

    @pytest.mark.parametrize("arguments", [["-Command", "Get-Date"], ["-EncodedCommand"], ["-EncodedCommand", "A"]])
    def test_what_it_does_not_understand(self, e: Emulator, arguments: list[str]) -> None:
        done = run(e, "pwsh", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "knows one kind of script" in done.stderr


def test_commands_that_are_none(e: Emulator) -> None:
    for act in (e.sign_out, e.sign_in, e.tools.folder):
        with pytest.raises(ValueError, match="gcloud"):
            act("gcloud")


def test_versions() -> None:
    assert at_least("1.24.0", "1.24.0")
    assert at_least("1.100.0", "1.24.0")
    assert not at_least("1.23.15", "1.24.0")
