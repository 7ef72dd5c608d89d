"""azure-core's shapes of tokens and errors."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import ChainedTokenCredential, CredentialUnavailableError

from entra_tokens import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
    InteractionRequired,
    InvalidCredential,
    StoreError,
    Token,
    TokenProvider,
    TokenTimeout,
)
from entra_tokens.azure_core import as_azure_error, shapes
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

ERRORS = [
    EntraTokensError("plain"),
    CredentialUnavailable("not here"),
    AuthenticationFailed("no", error="invalid_grant", codes=(50034,), description="d", hint="h"),
    InteractionRequired("a person", claims="{}"),
    InvalidCredential("secret", correlation_id="c"),
    AuthorityUnavailable("down", retry_after=12.5, status=503),
    ConfigurationError("wrong"),
    TokenTimeout("late"),
    StoreError("disk"),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def test_the_shapes_are_made_once_and_hide_the_token() -> None:
    """An `AccessToken` and an `AccessTokenInfo`, subclasses whose `repr` hides the token."""
    token = Token("SECRET", expires_on=2e9 + 0.9, refresh_on=1.9e9 + 0.9)
    access, info = shapes(token)
    assert shapes(token) == (access, info)
    assert shapes(token)[0] is access
    assert shapes(token)[1] is info
    assert isinstance(access, AccessToken)
    assert isinstance(info, AccessTokenInfo)
    assert access == ("SECRET", 2_000_000_000)
    assert (info.token, info.expires_on, info.refresh_on) == ("SECRET", 2_000_000_000, 1_900_000_000)
    assert (type(access.expires_on), type(info.expires_on), type(info.refresh_on)) == (int, int, int)
    for shown in (repr(access), repr(info), str(access), str(info), repr([access, info])):
        assert "SECRET" not in shown
    assert shapes(Token("x", expires_on=1))[1].refresh_on is None


def test_the_shapes_pickle_no_token() -> None:
    for shape in shapes(Token("SECRET", expires_on=2e9)):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(shape)


@each_error
def test_a_twin_is_both(error: EntraTokensError) -> None:
    """The error is also an instance of azure-core's `ClientAuthenticationError` / azure-identity's
    `CredentialUnavailableError` (properly initialised: `ChainedTokenCredential` reads `.message`)."""
    twin = as_azure_error(error)
    assert isinstance(twin, type(error))
    assert isinstance(twin, ClientAuthenticationError)
    assert isinstance(twin, AzureError)
    assert isinstance(twin, CredentialUnavailableError) is isinstance(error, CredentialUnavailable)
    assert twin.message == error.message
    assert str(twin) == str(error)
    assert twin.args == error.args
    for name, value in vars(error).items():
        assert getattr(twin, name) == value
    for name in ("response", "status_code", "reason", "error", "model", "inner_exception", "continuation_token"):
        assert hasattr(twin, name) is hasattr(ClientAuthenticationError("x"), name) or hasattr(error, name)
    assert twin.response is None
    assert type(twin).__name__ == type(error).__name__
    assert type(twin) is type(as_azure_error(error)), "one class, not one each time"


@each_error
def test_twins_are_equal_copies_and_pickle(error: EntraTokensError) -> None:
    """Each waiter gets its own equal instance; errors pickle."""
    twin = as_azure_error(error)
    copies = [as_azure_error(error), twin.copy(), pickle.loads(pickle.dumps(twin)), as_azure_error(twin)]
    for other in copies:
        assert other == twin
        assert other is not twin
        assert isinstance(other, ClientAuthenticationError)
        assert isinstance(other, type(error))
        assert str(other) == str(twin)
        assert other.message == twin.message
    assert pickle.loads(pickle.dumps(copies[2])) == twin


@each_error
def test_a_twin_keeps_no_frames(error: EntraTokensError) -> None:
    """azure-core keeps whatever exception is being handled, with all its frames: not ours to hand out."""

    def fail() -> None:
        secret = "MARKER"  # noqa: F841
        raise error.copy()

    try:
        fail()
    except EntraTokensError as caught:
        twin: Any = as_azure_error(caught)
    assert twin.__traceback__ is None
    assert twin.__context__ is None
    assert twin.exc_traceback is None
    assert twin.exc_value is None
    assert twin.exc_type is None
    assert twin.inner_exception is None


def test_the_cause_is_kept() -> None:
    cause = OSError("x")
    error = AuthorityUnavailable("down")
    error.__cause__ = cause
    assert as_azure_error(error).__cause__ is cause


class Elaborate(InvalidCredential):
    def __init__(self, one: int, *, two: str) -> None:
        super().__init__(f"{one} {two}", error="e")
        self.one = one


def test_a_user_s_own_error_has_a_twin_too() -> None:
    twin = as_azure_error(Elaborate(1, two="2"))
    assert isinstance(twin, Elaborate)
    assert isinstance(twin, ClientAuthenticationError)
    assert (twin.one, twin.error, twin.message) == (1, "e", "1 2")
    assert pickle.loads(pickle.dumps(twin)) == twin


@pytest.fixture
def _engine() -> Any:
    with fresh_engine(ManualClock()):
        yield


@pytest.mark.usefixtures("_engine")
def test_azure_identity_s_chain_goes_on_after_unavailable_and_stops_after_failure() -> None:
    """So that Azure SDK code catches it: `ChainedTokenCredential`."""
    absent = TokenProvider(ScriptedCredential(CredentialUnavailable("no such host")), "api://app")
    refused = TokenProvider(ScriptedCredential(InvalidCredential("the secret has expired")), "api://app")
    good = TokenProvider(ScriptedCredential(), "api://app")
    assert ChainedTokenCredential(absent, good).get_token("api://app/.default").token == "token-1"
    assert ChainedTokenCredential(absent, good).get_token_info("api://app/.default").token == "token-1"
    with pytest.raises(ClientAuthenticationError, match="the secret has expired"):
        ChainedTokenCredential(refused, good).get_token("api://app/.default")
    with pytest.raises(ClientAuthenticationError, match="no such host"):
        ChainedTokenCredential(absent, absent).get_token("api://app/.default")


@pytest.mark.usefixtures("_engine")
def test_azure_identity_s_asynchronous_chain_does_the_same() -> None:
    import asyncio

    from azure.identity.aio import ChainedTokenCredential as AsyncChain

    async def main() -> str:
        absent = TokenProvider(ScriptedCredential(CredentialUnavailable("no such host")), "api://app").as_async()
        good = TokenProvider(ScriptedCredential(), "api://app").as_async()
        chain: Any = AsyncChain(absent, good)
        async with chain:
            return str((await chain.get_token("api://app/.default")).token)

    assert asyncio.run(main()) == "token-1"


@pytest.mark.usefixtures("_engine")
def test_azure_core_s_policy_sends_our_token() -> None:
    """Azure SDK clients need no adapter."""
    from azure.core.pipeline import PipelineContext, PipelineRequest
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy
    from azure.core.rest import HttpRequest

    provider = TokenProvider(ScriptedCredential(), "api://app")
    policy = BearerTokenCredentialPolicy(provider, "api://app/.default", enable_cae=True)
    context: Any = PipelineContext(None)
    request: Any = PipelineRequest(HttpRequest("GET", "https://x.example"), context)
    policy.on_request(request)
    assert request.http_request.headers["Authorization"] == "Bearer token-1"


@pytest.mark.usefixtures("_engine")
def test_a_provider_as_another_one_s_credential_passes_its_errors_on() -> None:
    from entra_tokens import AzureIdentity

    inner = TokenProvider(ScriptedCredential(InvalidCredential("expired", error="e")), "api://app")
    outer = TokenProvider(AzureIdentity(inner), "api://app")
    with pytest.raises(ClientAuthenticationError, match="expired") as caught:
        outer.get_token()
    assert isinstance(caught.value, InvalidCredential)
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value


def test_azure_core_is_loaded_only_when_it_is_asked_for() -> None:
    script = (
        "import sys\n"
        "from entra_tokens import TokenProvider\n"
        "from entra_tokens.testing import ScriptedCredential\n"
        "provider = TokenProvider(ScriptedCredential(), 'api://app')\n"
        "provider.token(); provider.status(); provider.azure_token()\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in {'azure', 'msal', 'httpx', 'requests'}]\n"
        "provider.get_token()\n"
        "assert 'azure.core.credentials' in sys.modules and 'azure.identity' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)
