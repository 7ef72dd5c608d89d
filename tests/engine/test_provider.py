"""What a provider gives and takes, row by row of the contract, by both faces and on both loops."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import pickle
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import SCOPE, Face, flight_of, landed, until
from entra_tokens import (
    AsyncTokenProvider,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    InvalidCredential,
    RefreshPolicy,
    Token,
    TokenProvider,
    TokenRequest,
)
from entra_tokens.testing import ManualClock, ScriptedCredential

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.stores.protocol import Wanted

WAITING = ("token", "__call__", "get_token", "get_token_info", "azure_token", "close")


class Plain:
    """A credential without a secret: it pickles."""

    interactive = False
    tenant_id = None

    def __init__(self, name: str = "plain") -> None:
        self.identity = ("plain", name)

    def acquire(self, request: TokenRequest) -> Token:
        return Token("plain-token", expires_on=4e9, scopes=request.scopes)


# ---- what it takes


def test_a_bare_resource_becomes_its_default_scope(face: Face, credential: ScriptedCredential) -> None:
    """`scope`: a string, or several. A bare resource (`api://app`) is accepted and becomes `api://app/.default`."""
    for given, scopes in (
        ("api://app", ("api://app/.default",)),
        ("api://app/.default", ("api://app/.default",)),
        (["User.Read", "Mail.Read"], ("User.Read", "Mail.Read")),
        ("User.Read offline_access", ("User.Read", "offline_access")),
        (("api://app",), ("api://app/.default",)),
    ):
        token = face.run(face.provider(credential, given).token)
        assert token.scopes == scopes
        assert token.scope == " ".join(scopes)
    assert [request.scopes for request in credential.requests] == [
        ("api://app/.default",),
        ("User.Read", "Mail.Read"),
        ("User.Read", "offline_access"),
    ]


def test_no_scope_means_the_environment_s(
    face: Face, credential: ScriptedCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`None` means `ENTRA_TOKENS_SCOPE`, else `ConfigurationError`."""
    with pytest.raises(ConfigurationError, match="ENTRA_TOKENS_SCOPE"):
        face.provider(credential, None)
    monkeypatch.setenv("ENTRA_TOKENS_SCOPE", "")
    with pytest.raises(ConfigurationError, match="ENTRA_TOKENS_SCOPE"):
        face.provider(credential, None)
    monkeypatch.setenv("ENTRA_TOKENS_SCOPE", "api://from-the-environment")
    assert face.run(face.provider(credential, None).token).scopes == ("api://from-the-environment/.default",)


@pytest.mark.parametrize("scope", ["", [], "a\x00b", "sp ace/.default{}", 'q"', "a&b", "ü", 7, [7], [None]])
def test_a_scope_that_cannot_be_is_refused_at_construction(face: Face, scope: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError)):
        face.provider(ScriptedCredential(), scope)


@pytest.mark.parametrize("tenant", ["", "a/b", "..", "a b", "a\n", "ü", 7])
def test_a_tenant_that_cannot_be_is_refused(face: Face, credential: ScriptedCredential, tenant: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a tenant"):
        face.provider(credential, tenant_id=tenant)
    if tenant:  # azure-core's callers pass "" for "none"
        with pytest.raises(ConfigurationError, match="is not a tenant"):
            face.run(face.provider(credential).get_token, tenant_id=tenant)
    assert credential.calls == 0


def test_a_misspelt_keyword_is_a_type_error(face: Face, credential: ScriptedCredential) -> None:
    with pytest.raises(TypeError, match="keep_fersh"):
        face.provider(credential, keep_fersh=True)


def test_what_is_no_credential_is_refused_with_the_remedy(face: Face) -> None:
    with pytest.raises(ConfigurationError, match="credential comes first, the scope second"):
        face.provider("a-token")
    for wrong in (7, object(), {}):
        with pytest.raises(ConfigurationError, match=r"neither acquire\(\) nor azure-core's get_token\(\)"):
            face.provider(wrong)
    with pytest.raises(ConfigurationError, match="is a class: pass an instance"):
        face.provider(ScriptedCredential.__mro__[0])


def test_any_object_with_get_token_is_wrapped(face: Face) -> None:
    """`credential`: one of ours, or any object with azure-core's `get_token` (wrapped for you)."""

    class Foreign:
        def get_token(self, *scopes: str, **options: Any) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken(f"for {scopes} {options}", 2_000_000_000)

    assert face.run(face.provider(Foreign()).token) == f"for {(SCOPE,)} {{}}"


def test_another_provider_s_credential_can_be_given(face: Face, credential: ScriptedCredential) -> None:
    inner = face.provider(credential)
    assert face.run(face.provider(inner).token) is face.run(inner.token)
    assert credential.calls == 1


def test_no_credential_means_default(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    """`None` means `Default()`."""
    from entra_tokens import Default

    assert type(face.provider(None)._shared.credential) is Default


def test_construction_asks_nobody(face: Face, credential: ScriptedCredential) -> None:
    """Constructors do no I/O."""
    for keep_fresh in (False, True):
        provider = face.provider(credential, keep_fresh=keep_fresh)
        assert flight_of(provider) is None
    assert provider.status().state == "none"
    assert credential.calls == 0


# ---- what it gives


def test_token_and_the_provider_itself_give_the_same_object(face: Face, credential: ScriptedCredential) -> None:
    """`token(timeout=None)` → `Token`, the same object every time; `provider()` → `Token`."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    assert type(first) is Token
    assert face.run(provider.token) is face.run(provider) is face.run(provider.token, 5) is first


def test_get_token_gives_azure_core_s_token_the_same_every_time(
    face: Face, credential: ScriptedCredential, clock: ManualClock
) -> None:
    """`get_token` → an `azure.core.credentials.AccessToken` (a subclass whose `repr` hides the token)."""
    from azure.core.credentials import AccessToken

    provider = face.provider(credential)
    access = face.run(provider.get_token, SCOPE)
    assert isinstance(access, AccessToken)
    token, expires_on = access
    assert (token, expires_on) == ("token-1", int(clock.wall()) + 3600)
    assert isinstance(expires_on, int)
    assert "token-1" not in repr(access)
    assert "token-1" not in repr([access])
    for scopes in ((), (SCOPE,), ("api://app",)):
        assert face.run(provider.get_token, *scopes) is access
    assert face.run(provider.get_token, "api://other").token == "token-2"
    assert face.run(provider.get_token) is access
    assert access.token is face.run(provider.token)


def test_get_token_info_says_when_to_refresh(face: Face, credential: ScriptedCredential) -> None:
    """`get_token_info` → an `AccessTokenInfo` (likewise), with `refresh_on`."""
    from azure.core.credentials import AccessTokenInfo

    provider = face.provider(credential)
    info = face.run(provider.get_token_info, SCOPE)
    assert isinstance(info, AccessTokenInfo)
    token = face.run(provider.token)
    assert (info.token, info.expires_on, info.refresh_on) == (token, int(token.expires_on), int(token.refresh_on))
    assert info.token_type == "Bearer"
    assert "token-1" not in repr(info)
    assert face.run(provider.get_token_info, options={}) is info
    assert face.run(provider.get_token_info, options={"enable_cae": True}).token == "token-2"


def test_unknown_keywords_are_tolerated_by_get_token(face: Face, credential: ScriptedCredential) -> None:
    """Unknown keywords are tolerated here, as azure-core's protocol demands."""
    provider = face.provider(credential)
    for options in ({"whatever": 1}, {"pop": True, "resource_request_method": "GET"}):
        assert face.run(provider.get_token, SCOPE, **options).token == "token-1"
    assert face.run(provider.get_token_info, options={"pop": True}).token == "token-1"
    with pytest.raises(TypeError):
        face.run(provider.token, whatever=1)


def test_authorization_is_the_header_s_value(face: Face, credential: ScriptedCredential) -> None:
    """`authorization()` → `"Bearer …"`."""
    assert face.run(face.provider(credential).authorization) == "Bearer token-1"


def test_the_asynchronous_face_has_the_same_methods(credential: ScriptedCredential) -> None:
    """`AsyncTokenProvider` has the same methods; `token`, `__call__`, `get_token`, `get_token_info`, `azure_token`,
    `close` are coroutine functions."""
    public = {name for name in dir(TokenProvider) if not name.startswith("_")}
    assert public == {name for name in dir(AsyncTokenProvider) if not name.startswith("_")}
    assert public == {
        "token", "get_token", "get_token_info", "azure_token", "authorization", "invalidate", "as_async", "as_sync",
        "with_scope", "status", "close",
    }  # fmt: skip
    for name in WAITING:
        assert inspect.iscoroutinefunction(getattr(AsyncTokenProvider, name))
        assert not inspect.iscoroutinefunction(getattr(TokenProvider, name))
        assert (
            list(inspect.signature(getattr(AsyncTokenProvider, name)).parameters.items())[1:]
            == (list(inspect.signature(getattr(TokenProvider, name)).parameters.items())[1:])
        )
    for name in public - {*WAITING, "authorization"}:
        assert not inspect.iscoroutinefunction(getattr(AsyncTokenProvider, name))


def test_a_provider_has_no_refresh_token(face: Face, credential: ScriptedCredential) -> None:
    """No provider, of either face, has an attribute or method called `refresh_token` or `_refresh_token`."""
    provider = face.provider(credential)
    for name in ("refresh_token", "_refresh_token"):
        assert not hasattr(provider, name)
        assert not hasattr(type(provider), name)


def test_azure_core_s_protocols_are_kept(credential: ScriptedCredential) -> None:
    from azure.core.credentials import SupportsTokenInfo, TokenCredential
    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

    sync = TokenProvider(credential, SCOPE)
    assert isinstance(sync, TokenCredential)
    assert isinstance(sync, SupportsTokenInfo)
    assert isinstance(sync.as_async(), AsyncTokenCredential)
    assert isinstance(sync.as_async(), AsyncSupportsTokenInfo)


# ---- azure_token


def quietly(face: Face, method: Callable[..., Any], *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return face.run(method, *args)


def test_azure_token_is_a_plain_string(face: Face, credential: ScriptedCredential) -> None:
    """`azure_token(...)` → plain `str`, one-shot."""
    text = quietly(face, face.provider(credential).azure_token)
    assert type(text) is str
    assert text == "token-1"


def test_azure_token_renews_first_if_less_is_left(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """`azure_token(min_lifetime=timedelta(minutes=10))`: renews first if less than that is left."""
    provider = face.provider(credential)
    quietly(face, provider.azure_token)
    clock.advance(100)
    assert quietly(face, provider.azure_token, timedelta(seconds=3500)) == "token-1"
    assert quietly(face, provider.azure_token, timedelta(seconds=3501)) == "token-2"
    assert face.run(provider.token) == "token-2"
    clock.advance(2341)
    credential.hold()
    face.run(provider.token)
    call = face.start(provider.azure_token, timedelta(minutes=30))
    credential.release()
    assert call.result() == "token-3", "the background flight serves"
    assert credential.calls == 3


@pytest.mark.parametrize("filtered", [False, True])
def test_azure_token_warns_both_ways_if_the_authority_gives_less(
    face: Face, caplog: pytest.LogCaptureFixture, filtered: bool
) -> None:
    """If the authority then still gives less, returns it and warns: `warnings.warn` and a WARNING log record."""
    credential = ScriptedCredential(lifetime=300)
    provider = face.provider(credential)
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.WARNING, "entra_tokens"):
        warnings.simplefilter("ignore" if filtered else "always")
        assert face.run(provider.azure_token) == "token-1"
    assert len(caught) == (0 if filtered else 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "300 s left" in caplog.records[0].getMessage()
    assert credential.calls == 1, "a token that has just come is not asked for again"
    for warning in caught:
        assert warning.category is RuntimeWarning


def test_azure_token_asks_again_for_a_token_of_long_ago_only(face: Face, clock: ManualClock) -> None:
    credential = ScriptedCredential(lifetime=300)
    provider = face.provider(credential)
    face.run(provider.token)
    clock.advance(60)
    with pytest.warns(RuntimeWarning, match="azure_token"):
        assert face.run(provider.azure_token) == "token-2"
    assert credential.calls == 2


@pytest.mark.parametrize("fault", [AuthorityUnavailable("down"), InvalidCredential("no")])
def test_azure_token_serves_what_lives_when_the_renewal_fails(
    face: Face, clock: ManualClock, credential: ScriptedCredential, fault: Exception
) -> None:
    """While the held token is unexpired no call fails."""
    provider = face.provider(credential)
    face.run(provider.token)
    clock.advance(3300)
    credential.answer(fault)
    for _ in range(3):
        with pytest.warns(RuntimeWarning, match="300 s left"):
            assert face.run(provider.azure_token) == "token-1"
    assert credential.calls == 2, "the back-off counts here too"


def test_the_warning_points_at_the_caller() -> None:
    provider = TokenProvider(ScriptedCredential(lifetime=300), SCOPE)
    with pytest.warns(RuntimeWarning) as caught:
        provider.azure_token()
    assert caught[0].filename == __file__


# ---- other faces and scopes


def test_both_faces_share_cache_and_flights(face: Face, credential: ScriptedCredential) -> None:
    """`as_async()` / `as_sync()`: the other face, the same cache and flights, nothing is copied or lost."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    assert provider.as_sync().token() is first
    assert face.run(face.of(provider.as_sync().as_async().as_sync()).token) is first
    assert isinstance(provider.as_sync(), TokenProvider)
    assert isinstance(provider.as_async(), AsyncTokenProvider)
    assert face.of(provider) is provider
    assert credential.calls == 1


def test_every_option_is_kept_by_other_faces_and_scopes(face: Face, credential: ScriptedCredential) -> None:
    """`with_scope(scope)`: same credential, same engine, every option kept."""

    class Shelf:
        def through(self, wanted: Wanted) -> Token:
            return wanted.acquire()

    policy, events, shelf = RefreshPolicy(wait=7), list[Any](), Shelf()
    provider = face.provider(
        credential,
        tenant_id="mine",
        additionally_allowed_tenants=["yours"],
        store=shelf,
        policy=policy,
        keep_fresh=True,
        on_event=events.append,
    )
    engine = provider._shared.engine
    for other in (
        provider.with_scope("api://other"),
        provider.as_async().with_scope("api://other").as_sync(),
        provider.as_sync().with_scope("api://other").as_async(),
    ):
        shared = other._shared
        assert shared.credential is credential
        assert shared.engine is engine
        assert shared.policy is policy
        assert shared.store is shelf
        assert shared.allowed == ("yours",)
        assert shared.keep_fresh is True
        assert shared.on_event == events.append
        assert shared.request == TokenRequest(("api://other/.default",), "mine")
    assert type(provider.with_scope("api://other")) is type(provider)
    assert face.run(provider.with_scope("api://other").token).scopes == ("api://other/.default",)
    assert face.run(provider.token).scopes == (SCOPE,)
    with pytest.raises(ConfigurationError):
        provider.with_scope("")


# ---- tenants


def test_a_tenant_other_than_the_credential_s_is_refused_unless_allowed(face: Face) -> None:
    """A per-call `tenant_id` other than the credential's is refused unless allowed."""
    credential = ScriptedCredential(tenant_id="mine")
    provider = face.provider(credential)
    for ask in (
        lambda tenant: face.run(provider.get_token, tenant_id=tenant),
        lambda tenant: face.run(provider.get_token_info, options={"tenant_id": tenant}),
    ):
        with pytest.raises(ConfigurationError, match=r"additionally_allowed_tenants=\['yours'\]"):
            ask("yours")
    assert credential.calls == 0
    own = face.run(provider.get_token, tenant_id="mine")
    assert own is face.run(provider.get_token)
    assert [request.tenant_id for request in credential.requests] == [None]
    for allowed in (["yours"], ["*"], ("a", "yours")):
        allowing = face.provider(credential, additionally_allowed_tenants=allowed)
        assert face.run(allowing.get_token, tenant_id="yours").token == "token-2"
    assert [request.tenant_id for request in credential.requests] == [None, "yours"]
    with pytest.raises(ConfigurationError, match="a list of tenants"):
        face.provider(credential, additionally_allowed_tenants="yours")


def test_a_provider_for_another_tenant_asks_that_one(face: Face) -> None:
    credential = ScriptedCredential(tenant_id="mine")
    provider = face.provider(credential, tenant_id="theirs")
    face.run(provider.token)
    face.run(provider.get_token, tenant_id="theirs")
    assert [request.tenant_id for request in credential.requests] == ["theirs"]


# ---- status


def test_status_in_every_state(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """`status()`: `state, expires_on, refresh_on, last_error, renewals, failures, next_attempt`."""
    provider = face.provider(credential)
    none = provider.status()
    assert vars(none) == {
        "state": "none", "expires_on": None, "refresh_on": None, "last_error": None, "renewals": 0, "failures": 0,
        "next_attempt": None,
    }  # fmt: skip
    start = clock.wall()
    face.run(provider.token)
    fresh = provider.status()
    assert (fresh.state, fresh.expires_on, fresh.refresh_on) == ("fresh", start + 3600, start + 2340)
    assert (fresh.renewals, fresh.failures, fresh.next_attempt) == (1, 0, None)
    clock.advance(2340)
    assert provider.status().state == "stale"
    credential.answer(AuthorityUnavailable("The authority is down."))
    face.run(provider.token)
    landed(provider)
    stale = provider.status()
    assert (stale.state, stale.failures) == ("stale", 1)
    assert stale.last_error == "The authority is down. See docs/troubleshooting.md#no-answer."
    assert stale.next_attempt == pytest.approx(clock.wall() + 7.5)
    clock.advance(1260)
    expired = provider.status()
    assert (expired.state, expired.renewals, expired.next_attempt) == ("expired", 1, None)
    credential.answer()
    face.run(provider.token)
    again = provider.status()
    assert (again.state, again.last_error, again.renewals, again.failures) == ("fresh", None, 2, 1)
    assert "token-" not in repr(again)


def test_a_foreign_error_s_text_is_not_in_the_status(face: Face) -> None:
    """`last_error` (redacted)."""
    provider = face.provider(ScriptedCredential(ValueError("client_secret=MARKER")))
    (error,) = face.many(1, provider.token)
    assert "MARKER" not in str(error)
    assert "MARKER" not in repr(provider.status())


# ---- closing


def test_a_closed_provider_raises_a_clear_error(face: Face, credential: ScriptedCredential) -> None:
    """`close()`: closes this handle, not what others share; idempotent; a closed provider raises a clear error."""
    provider = face.provider(credential)
    other, scoped = face.of(provider.as_sync()), provider.with_scope("api://other")
    another = face.provider(credential)
    face.run(provider.token)
    face.run(provider.close)
    face.run(provider.close)
    assert "closed" in repr(provider)
    for ask in (provider.token, provider, provider.get_token, provider.get_token_info, provider.azure_token):
        with pytest.raises(ConfigurationError, match="closed"):
            face.run(ask)
    other_face = provider.as_sync if face.asynchronous else provider.as_async
    for tell in (provider.status, provider.invalidate, other_face):
        with pytest.raises(ConfigurationError, match="closed"):
            tell()
    with pytest.raises(ConfigurationError, match="closed"):
        provider.with_scope("api://x")
    if other is not provider:
        assert face.run(other.token) == "token-1"
    assert face.run(another.token) == "token-1"
    assert face.run(scoped.token) == "token-2"


def test_a_with_block_closes(face: Face, credential: ScriptedCredential) -> None:
    """`with`, `async with`."""
    provider = face.provider(credential)

    def sync() -> None:
        with provider as entered:
            assert entered is provider
            assert entered.token() == "token-1"

    async def asynchronous() -> None:
        async with provider as entered:
            assert entered is provider
            assert await entered.token() == "token-1"

    face.run(asynchronous if face.asynchronous else sync)
    with pytest.raises(ConfigurationError, match="closed"):
        face.run(provider.token)


def test_closing_one_face_leaves_the_other(face: Face, credential: ScriptedCredential) -> None:
    """Closes this handle, not what others share."""
    sync = TokenProvider(credential, SCOPE)
    other = sync.as_async()
    sync.close()
    assert face.run(face.of(other).token) == "token-1"


def test_a_call_in_flight_survives_the_closing_of_its_provider(face: Face, credential: ScriptedCredential) -> None:
    provider = face.provider(credential)
    shared = provider._cell
    credential.hold()
    call = face.start(provider.token)
    until(lambda: shared._flights and shared._flights[None].waiters == 1)
    face.run(provider.close)
    credential.release()
    assert call.result() == "token-1"


# ---- pickling, copying, showing


def test_providers_of_credentials_without_a_secret_pickle(face: Face) -> None:
    """Providers of credentials without a secret inside pickle (Dask, multiprocessing)."""
    provider = face.provider(
        Plain(), tenant_id="t", additionally_allowed_tenants=["x"], policy=RefreshPolicy(wait=3), keep_fresh=True
    )
    face.run(provider.token)
    data = pickle.dumps(provider)
    assert b"plain-token" not in data
    again = pickle.loads(data)
    assert type(again) is type(provider)
    assert again._shared.options()[1:] == provider._shared.options()[1:]
    assert face.run(again.token) is face.run(provider.token), "in the same process it finds the same entry"
    for twin in (copy.copy(provider), copy.deepcopy(provider)):
        assert face.run(twin.token) is face.run(provider.token)


def test_the_others_refuse_saying_what_to_do(face: Face) -> None:
    """The others refuse, saying what to do."""
    from entra_tokens import ClientSecret

    provider = face.provider(ClientSecret("tenant", "client", "MARKER"))
    with pytest.raises(TypeError, match="ManagedIdentity") as caught:
        pickle.dumps(provider)
    assert "MARKER" not in str(caught.value)
    assert "MARKER" not in repr(provider)


def test_repr_says_what_it_is_and_shows_no_token(face: Face, credential: ScriptedCredential) -> None:
    provider = face.provider(credential)
    face.run(provider.token)
    assert repr(provider) == f"<{type(provider).__name__} ScriptedCredential {SCOPE}>"


# ---- errors


def test_errors_of_get_token_are_azure_core_s_too(face: Face) -> None:
    """From `get_token`/`get_token_info` the error is also an instance of azure-core's `ClientAuthenticationError` /
    azure-identity's `CredentialUnavailableError`."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError

    for error, theirs in (
        (InvalidCredential("expired", codes=(7000222,)), ClientAuthenticationError),
        (CredentialUnavailable("not here"), CredentialUnavailableError),
        (AuthorityUnavailable("down", retry_after=9), ClientAuthenticationError),
    ):
        provider = face.provider(ScriptedCredential(error))
        for method in (provider.get_token, provider.get_token_info):
            (caught,) = face.many(1, method)
            assert isinstance(caught, theirs)
            assert isinstance(caught, type(error))
            assert caught.message == error.message
            assert str(caught).startswith(error.message)
        (plain,) = face.many(1, provider.token)
        assert not isinstance(plain, ClientAuthenticationError)


def test_an_error_keeps_nobody_s_frames(face: Face) -> None:
    """Each waiter gets its own equal instance: no frames of the credential, whose locals may hold a secret."""

    def fail(request: TokenRequest) -> Token:
        secret = "MARKER"
        try:
            raise OSError(secret[:0])
        except OSError as error:
            raise AuthorityUnavailable("down") from error

    provider = face.provider(ScriptedCredential(fail))
    for method in (provider.token, provider.get_token):
        (error,) = face.many(1, method)
        todo, seen = [error], []
        while todo:
            each = todo.pop()
            if each is None or each in seen:
                continue
            seen.append(each)
            todo += [each.__cause__, each.__context__]
            trace = each.__traceback__
            while trace is not None:
                assert "MARKER" not in repr(trace.tb_frame.f_locals), trace.tb_frame
                trace = trace.tb_next
        assert any(isinstance(each, OSError) for each in seen), "the cause is kept"


def test_a_token_fits_wherever_text_does(face: Face, credential: ScriptedCredential) -> None:
    token = face.run(face.provider(credential).token)
    assert json.dumps({"t": token}) == '{"t": "token-1"}'
    assert "Bearer " + token == "Bearer token-1"
