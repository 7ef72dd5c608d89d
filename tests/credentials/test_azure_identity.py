from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import azure.identity
import azure.identity.aio
import pytest
from azure.core import exceptions as core

from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.azure_identity import AzureIdentity
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
    InteractionRequired,
    InvalidCredential,
)
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from authority import stub

ASK = TokenRequest(("api://app/.default",), claims='{"a":1}', tenant_id="t.example", enable_cae=True)


class Answer(NamedTuple):
    token: Any
    expires_on: Any
    refresh_on: Any = None


class Old:
    """get_token alone, as of 2019."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.asked: list[Any] = []

    def get_token(self, *scopes: str, **options: Any) -> Any:
        self.asked.append((scopes, options))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class New(Old):
    def get_token_info(self, *scopes: str, options: Any = None) -> Any:
        self.asked.append((scopes, options))
        return self.outcome


def test_get_token_info_is_preferred() -> None:
    inner = New(Answer("t", 4102444800, 4102440000))
    token = AzureIdentity(inner).acquire(ASK)
    assert (token, token.expires_on, token.refresh_on) == ("t", 4102444800, 4102440000)
    assert inner.asked == [(ASK.scopes, {"claims": '{"a":1}', "tenant_id": "t.example", "enable_cae": True})]


def test_get_token_is_given_only_what_is_wanted() -> None:
    inner = Old(Answer("t", 4102444800))
    token = AzureIdentity(inner).acquire(TokenRequest(ASK.scopes))
    assert (token, token.refresh_on) == ("t", None)
    assert inner.asked == [(ASK.scopes, {})]


def test_a_real_credential(entra: stub.Service, ca: str) -> None:
    inner = azure.identity.ClientSecretCredential(
        "tenant", "c", "secret", authority=entra.url, connection_verify=ca, disable_instance_discovery=True
    )
    with inner:
        assert AzureIdentity(inner).acquire(TokenRequest(ASK.scopes)) == "access-token"
        assert AzureIdentity(inner).tenant_id == "tenant"


ERRORS = [
    (azure.identity.CredentialUnavailableError(message="no"), CredentialUnavailable),
    (azure.identity.AuthenticationRequiredError(["s"], message="no", claims="{}"), InteractionRequired),
    (core.ClientAuthenticationError(message="AADSTS7000215: bad. Trace ID: x"), InvalidCredential),
    (core.ClientAuthenticationError(message="AADSTS500011: no such resource"), AuthenticationFailed),
    (core.ClientAuthenticationError(message="AADSTS50076: MFA"), InteractionRequired),
    (core.ClientAuthenticationError(message="AADSTS700016: app"), InvalidCredential),
    (core.ClientAuthenticationError(message="Authentication failed: HTTP Error: 503"), AuthorityUnavailable),
    (core.ClientAuthenticationError(message="Authentication failed: Expecting value: line 1"), AuthorityUnavailable),
    (core.ServiceRequestError("refused"), AuthorityUnavailable),
    (core.ServiceResponseTimeoutError("late"), AuthorityUnavailable),
    (RuntimeError("own"), AuthenticationFailed),
    (InvalidCredential("ours"), InvalidCredential),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS, ids=lambda v: str(v)[:50])
def test_errors_become_ours(error: Exception, kind: type[EntraTokensError]) -> None:
    with pytest.raises(EntraTokensError) as caught:
        AzureIdentity(Old(error)).acquire(ASK)
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_throttling_keeps_its_retry_after() -> None:
    class Response:
        status_code = 429
        reason = "Too Many"
        headers = {"Retry-After": "17"}  # noqa: RUF012

    with pytest.raises(AuthorityUnavailable) as caught:
        AzureIdentity(Old(core.HttpResponseError(response=Response()))).acquire(ASK)
    assert (caught.value.retry_after, caught.value.status) == (17, 429)


@pytest.mark.parametrize(
    "answer", [None, "t", Answer("", 4102444800), Answer("a\nb", 4102444800), Answer(None, 1), Answer("t", "soon")]
)
def test_an_unusable_answer(answer: Any) -> None:
    with pytest.raises(AuthorityUnavailable, match="expires_on"):
        AzureIdentity(Old(answer)).acquire(ASK)


class Async:
    async def get_token(self, *scopes: str) -> Any: ...


class Lazy:
    def get_token(self, *scopes: str) -> Any:
        return Async().get_token(*scopes)


@pytest.mark.parametrize("make", [Async, lambda: azure.identity.aio.EnvironmentCredential()])
def test_an_asynchronous_credential_is_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="as_async"):
        AzureIdentity(make())


def test_a_coroutine_from_a_plain_method_is_closed() -> None:
    with pytest.raises(AuthorityUnavailable):
        AzureIdentity(Lazy()).acquire(TokenRequest(ASK.scopes))


@pytest.mark.parametrize("thing", [None, object(), "token", Old])
def test_no_credential(thing: Any) -> None:
    with pytest.raises(ConfigurationError):
        AzureIdentity(thing)


def test_it_is_keyed_by_the_object() -> None:
    one, two = Old(None), Old(None)
    assert AzureIdentity(one) == AzureIdentity(one)
    assert AzureIdentity(one).identity != AzureIdentity(two).identity
    with pytest.raises(TypeError):
        pickle.dumps(AzureIdentity(one))


def prompting(**options: Any) -> list[Any]:
    device = azure.identity.DeviceCodeCredential(**options)
    browser = azure.identity.InteractiveBrowserCredential(**options)
    return [device, browser, azure.identity.ChainedTokenCredential(azure.identity.EnvironmentCredential(), device)]


def test_a_background_renewal_never_prompts() -> None:
    """Nothing is sent either: no network but loopback is there, and reaching for it fails the test."""
    background = Acquiring(may_prompt=False)
    for inner in prompting():
        one = AzureIdentity(inner)
        assert one.interactive
        with acquiring(background), pytest.raises(InteractionRequired, match="never"):
            one.acquire(TokenRequest(ASK.scopes))
    assert not any(AzureIdentity(inner).interactive for inner in prompting(disable_automatic_authentication=True))
    assert not AzureIdentity(azure.identity.DefaultAzureCredential()).interactive
    inner = Old(Answer("t", 4102444800))
    with acquiring(background):
        assert AzureIdentity(inner).acquire(TokenRequest(ASK.scopes)) == "t"
