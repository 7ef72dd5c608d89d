from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.azure_cli import AzureCli
from entra_tokens.credentials.chain import Chain
from entra_tokens.credentials.default import Default, _Probed
from entra_tokens.credentials.device_code import DeviceCode
from entra_tokens.credentials.environment import Environment
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    InteractionRequired,
)
from entra_tokens.request import TokenRequest
from entra_tokens.testing import ManualClock
from entra_tokens.token import Token

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))


class Member:
    def __init__(self, name: str, *outcomes: Any) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        self.asked = 0

    @property
    def identity(self) -> tuple[str, ...]:
        return ("member", self.name)

    def acquire(self, request: TokenRequest) -> Token:
        self.asked += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return Token(outcome, expires_on=4102444800, scopes=request.scopes)


AWAY = CredentialUnavailable("not here")


def test_the_first_that_is_available() -> None:
    first, second, third = Member("a", AWAY), Member("b", "token-b"), Member("c", "token-c")
    chain = Chain(first, second, third)
    assert chain.acquire(ASK) == "token-b"
    assert chain.acquire(ASK) == "token-b"
    assert (first.asked, second.asked, third.asked) == (1, 2, 0)


@pytest.mark.parametrize("error", [AuthenticationFailed("no"), AuthorityUnavailable("down"), ConfigurationError("x")])
def test_another_error_stops(error: Exception) -> None:
    last = Member("b", "token-b")
    with pytest.raises(type(error)):
        Chain(Member("a", error), last).acquire(ASK)
    assert last.asked == 0


@pytest.mark.parametrize("failure", [AWAY, AuthorityUnavailable("down")])
def test_after_the_winner_fails_it_starts_from_the_first(failure: Exception) -> None:
    first = Member("a", AWAY, "token-a")
    second = Member("b", "token-b", failure, "token-b")
    chain = Chain(first, second)
    assert chain.acquire(ASK) == "token-b"
    if isinstance(failure, AuthorityUnavailable):
        with pytest.raises(AuthorityUnavailable):
            chain.acquire(ASK)
    assert chain.acquire(ASK) == "token-a"


def test_none_is_available() -> None:
    with pytest.raises(CredentialUnavailable) as caught:
        Chain(Member("alpha", CredentialUnavailable("no file")), Member("beta", CredentialUnavailable())).acquire(ASK)
    assert "alpha: no file" in str(caught.value)
    assert "beta: not available" in str(caught.value)


def test_its_members() -> None:
    class Foreign:
        def get_token(self, *scopes: str, **options: Any) -> Any: ...

    foreign = Foreign()
    chain = Chain(Member("a", "t"), foreign)
    assert [type(member).__name__ for member in chain.members] == ["Member", "AzureIdentity"]
    assert chain.interactive is False
    assert Chain(DeviceCode("c")).interactive is True
    assert chain == Chain(Member("a", "t"), foreign)
    assert chain.identity != Chain(foreign, Member("a", "t")).identity
    for bad in ((), (object(),), (ManagedIdentity,)):
        with pytest.raises(ConfigurationError):
            Chain(*bad)
    two = Chain(AzureCli(), ManagedIdentity())
    assert pickle.loads(pickle.dumps(two)) == two


def test_environment(entra: stub.Service, ca: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialUnavailable, match="AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"):
        Environment().acquire(ASK)
    assert pickle.loads(pickle.dumps(Environment())) == Environment()
    monkeypatch.setenv("AZURE_TENANT_ID", "t.example")
    monkeypatch.setenv("AZURE_CLIENT_ID", "c")
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", "/x.pem")
    with pytest.raises(ConfigurationError, match=r"/x\.pem"):
        Environment().acquire(ASK)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", entra.url)
    one = Environment(verify=ca)
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    assert one.acquire(ASK) == "access-token"
    assert "s3cret" not in repr(one)
    with pytest.raises(TypeError):
        pickle.dumps(one)


def names(default: Default) -> str:
    return repr(default).removeprefix("Default(").removesuffix(")")


@pytest.mark.parametrize(
    ("chosen", "exclude", "left"),
    [
        ("", (), "Environment, WorkloadIdentity, ManagedIdentity, AzureCli, AzureDeveloperCli, AzurePowerShell"),
        ("dev", (), "AzureCli, AzureDeveloperCli, AzurePowerShell"),
        ("PROD", (), "Environment, WorkloadIdentity, ManagedIdentity"),
        ("ManagedIdentityCredential", (), "ManagedIdentity"),
        ("azureclicredential", (), "AzureCli"),
        ("prod", ("azure-cli", "EnvironmentCredential"), "WorkloadIdentity, ManagedIdentity"),
        ("AzureDeveloperCliCredential", (), "AzureDeveloperCli"),
        ("azurepowershellcredential", (), "AzurePowerShell"),
        ("WorkloadIdentityCredential", (), "WorkloadIdentity"),
        ("PROD", "managed-identity", "Environment, WorkloadIdentity"),
    ],
)
def test_default_is_narrowed(chosen: str, exclude: Any, left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", chosen)
    assert names(Default(exclude=exclude)) == left


@pytest.mark.parametrize(
    ("chosen", "options"),
    [
        ("nonsense", {}),
        ("VisualStudioCodeCredential", {}),
        ("", {"exclude": ["azurecly"]}),
        ("dev", {"exclude": ["azure-cli", "azure-developer-cli", "AzurePowerShell"]}),
        ("", {"interactive": True}),
    ],
)
def test_default_with_bad_input(chosen: str, options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", chosen)
    with pytest.raises(ConfigurationError):
        Default(**options)


def test_default_asks_a_person_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "c")
    assert names(Default(interactive=True)).endswith("AzurePowerShell, DeviceCode")
    assert Default(interactive=True).interactive
    assert pickle.loads(pickle.dumps(Default(interactive=True))) == Default(interactive=True)


def test_default_passes_a_host_without_that_identity_over(
    metadata: stub.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url)
    monkeypatch.setenv("AZURE_CLIENT_ID", "somebody-else")
    monkeypatch.setenv("PATH", "/nowhere")
    metadata.on("/token", stub.Reply(400, {"error": "invalid_request", "error_description": "Identity not found"}))
    with pytest.raises(CredentialUnavailable, match="assign it"):
        Default().acquire(ASK)
    metadata.on("/token", stub.granted())
    assert Default().acquire(ASK) == "access-token"


def test_default_away_from_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' network has no link-local neighbours."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CredentialUnavailable) as caught:
        Default().acquire(ASK)
    for name in (
        "Environment",
        "WorkloadIdentity",
        "ManagedIdentity",
        "AzureCli",
        "AzureDeveloperCli",
        "AzurePowerShell",
    ):
        assert f"  {name}: " in str(caught.value)


def test_a_certificate_in_the_environment(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in e.environ("client_secret").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", e.client_certificate)
    one = Environment()
    assert one.acquire(ASK)
    assert "client_assertion" in e.token_requests[-1].form
    assert "ClientCertificate" in repr(one)
    monkeypatch.delenv("AZURE_TENANT_ID")
    with pytest.raises(CredentialUnavailable, match="AZURE_TENANT_ID not set"):
        Environment().acquire(ASK)


def test_each_members_verdict_is_kept() -> None:
    refused = AuthenticationFailed("no")
    chain = Chain(Member("a", AWAY), Member("b", refused, "token-b"), Member("c", "token-c"))
    with pytest.raises(AuthenticationFailed):
        chain.acquire(ASK)
    assert [(type(each.error), each.seconds >= 0) for each in chain.verdicts] == [
        (CredentialUnavailable, True),
        (AuthenticationFailed, True),
    ]
    assert all(each.error is None or each.error.__traceback__ is None for each in chain.verdicts)
    chain.acquire(ASK)
    assert [each.error is None for each in chain.verdicts] == [False, True]


def test_a_place_without_imds_is_remembered() -> None:
    looked: list[int] = []

    class Counted(_Probed):
        def probe(self) -> None:
            looked.append(1)
            raise CredentialUnavailable("nothing at 169.254.169.254")

    clock = ManualClock()
    one = Counted()
    with acquiring(Acquiring(clock)):
        for _ in range(3):
            with pytest.raises(CredentialUnavailable, match="nothing at"):
                one.acquire(ASK)
        assert len(looked) == 1
        clock.advance(61)
        with pytest.raises(CredentialUnavailable):
            one.acquire(ASK)
    assert len(looked) == 2


def test_a_later_success_elsewhere_is_found_again(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed in with azd, later with az instead: no new object, no restart."""
    monkeypatch.setenv("PATH", "/nowhere")
    one = Default(exclude=["managed-identity"])
    with pytest.raises(CredentialUnavailable, match="no 'azd' on PATH"):
        one.acquire(ASK)
    for place, name in (("azd", "AzureDeveloperCli"), ("azure_cli", "AzureCli")):
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setenv("PATH", e.environ(place)["PATH"])
        assert one.acquire(ASK)
        assert [each.name for each in one.verdicts if each.error is None] == [name]


def test_a_person_at_the_end_of_a_chain_is_never_asked_in_the_background(entra: stub.Service, ca: str) -> None:
    """The contract: background renewal never prompts; only a caller with nothing usable does."""
    chain = Chain(Member("a", AWAY), DeviceCode("c", "t.example", authority=entra.url, verify=ca, remember=False))
    clock = ManualClock()
    with acquiring(Acquiring(clock, may_prompt=False)), pytest.raises(InteractionRequired, match="may not ask"):
        chain.acquire(ASK)
    assert [each for each in entra.requests if each.method == "POST"] == []
