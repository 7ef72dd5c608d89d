"""Errors without a number help as well: they name the credential, end in one next step, and say where more is."""

from __future__ import annotations

import inspect
import socket
from typing import TYPE_CHECKING, Any

import pytest

import entra_tokens
from entra_tokens import (
    AuthorityUnavailable,
    AzureCli,
    AzureDeveloperCli,
    AzureIdentity,
    AzurePipelines,
    AzurePowerShell,
    Chain,
    ClientSecret,
    ConfigurationError,
    CredentialUnavailable,
    Default,
    DeviceCode,
    EntraTokensError,
    Environment,
    FileStore,
    GitHubActions,
    InteractionRequired,
    InvalidCredential,
    ManagedIdentity,
    StaticToken,
    Token,
    TokenProvider,
    TokenTimeout,
    WorkloadIdentity,
)
from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.request import TokenRequest
from entra_tokens.testing import ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASK = TokenRequest(("api://app/.default",))


class Prompting:
    """An azure-core credential that says that it has nobody to ask."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        from azure.identity import CredentialUnavailableError

        raise CredentialUnavailableError(message="no broker here. Install one.")


# what is made, what is raised, and where more is
UNAVAILABLE: list[tuple[Callable[[], Any], type[EntraTokensError], str]] = [
    (ManagedIdentity, CredentialUnavailable, "managed-identity"),
    (WorkloadIdentity, CredentialUnavailable, "workload-identity"),
    (AzureCli, CredentialUnavailable, "command-line-tools"),
    (AzureDeveloperCli, CredentialUnavailable, "command-line-tools"),
    (AzurePowerShell, CredentialUnavailable, "command-line-tools"),
    (Environment, CredentialUnavailable, "the-environment"),
    (lambda: GitHubActions("t.example", "c"), CredentialUnavailable, "pipelines"),
    (lambda: AzurePipelines("t.example", "c", service_connection_id="s"), CredentialUnavailable, "pipelines"),
    (lambda: DeviceCode("c", interactive=False), InteractionRequired, "device-code-and-browser"),
    (lambda: Chain(Environment(), AzureCli()), CredentialUnavailable, "chains"),
    (Default, CredentialUnavailable, "chains"),
    (lambda: AzureIdentity(Prompting()), CredentialUnavailable, "other-credentials"),
    (lambda: StaticToken("t", expires_on=1), InvalidCredential, "other-credentials"),
    (lambda: ClientSecret("t.example", "c", "s"), AuthorityUnavailable, "proxies-and-certificates"),
]


@pytest.mark.parametrize(("make", "kind", "anchor"), UNAVAILABLE)
def test_a_credential_that_cannot_be_used_here(
    make: Callable[[], Any], kind: type[EntraTokensError], anchor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with socket.socket() as taken:  # and does not listen: nobody else can either
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://{nobody}")
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://{nobody}")
        credential = make()
        with acquiring(Acquiring()), pytest.raises(EntraTokensError) as caught:
            credential.acquire(ASK)
    error = caught.value
    assert type(error) is kind
    assert error.anchor == anchor
    end = "." if error.message.endswith(")") else ""  # a chain's last member's time
    assert str(error) == f"{error.message}{end} See docs/troubleshooting.md#{anchor}."
    assert type(credential).__name__ in error.message
    # What happened, and what to do.
    assert ". " in error.message.replace("\n", " ") or "; " in error.message


def test_errors_of_the_provider_itself(tmp_path: Path) -> None:
    def raised(call: Callable[[], Any]) -> EntraTokensError:
        with pytest.raises(EntraTokensError) as caught:
            call()
        return caught.value

    with fresh_engine():
        late = ScriptedCredential(lambda request: Token("t", expires_on=1))
        assert raised(TokenProvider(late, "api://app").token).anchor == "the-clock"
    assert raised(lambda: TokenProvider(StaticToken("t", expires_on=4e9))).anchor == "configuration"
    assert raised(lambda: ManagedIdentity(client_id="a b\n")).anchor == "configuration"
    assert (TokenTimeout("x").anchor, ConfigurationError("x").anchor) == ("timeouts", "configuration")
    (tmp_path / "link").symlink_to(tmp_path)
    with (
        fresh_engine(),
        pytest.warns(RuntimeWarning, match=r"it is left alone\..* See docs/troubleshooting.md#the-store\."),
    ):
        TokenProvider(StaticToken("t", expires_on=4e9), "api://app", store=FileStore(tmp_path / "link")).token()


def test_every_credential_that_talks_has_a_time_limit_without_being_told() -> None:
    names = [name for name in entra_tokens.__all__ if hasattr(getattr(entra_tokens, name), "acquire")]
    defaults = {name: inspect.signature(getattr(entra_tokens, name)).parameters.get("timeout") for name in names}
    assert {name for name, limit in defaults.items() if limit is None} == {
        "AzureIdentity",  # its object's own
        "Chain",  # its members'
        "Credential",  # the protocol
        "Default",  # its members'
        "StaticToken",  # talks to nobody
    }
    assert {limit.default for limit in defaults.values() if limit is not None} == {10.0}
