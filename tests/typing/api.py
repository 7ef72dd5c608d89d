"""What users' type checkers must see of the public API: read by mypy and pyright, never run.

A line with an ignore is one that a checker must refuse: an ignore that nothing needs is an error itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from azure.core.credentials import AccessToken, AccessTokenInfo
from typing_extensions import assert_type

import entra_tokens
from entra_tokens import (
    AsyncTokenProvider,
    AuthenticationFailed,
    AuthorityUnavailable,
    AzureCli,
    AzureIdentity,
    Chain,
    ClientSecret,
    ConfigurationError,
    Credential,
    CredentialUnavailable,
    Default,
    DeviceCode,
    DeviceCodePrompt,
    EntraTokensError,
    Environment,
    InteractionRequired,
    ManagedIdentity,
    ProviderStatus,
    RefreshPolicy,
    StaticToken,
    Token,
    TokenEvent,
    TokenProvider,
    TokenRequest,
    TokenTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.credentials import SupportsTokenInfo, TokenCredential
    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
    from azure.identity import DefaultAzureCredential


def what_a_provider_is_made_of(azure: DefaultAzureCredential, anyone: TokenCredential) -> None:
    TokenProvider()
    TokenProvider(ManagedIdentity(), "api://h2ogpte/.default")
    TokenProvider(scope=["api://a/read", "api://a/write"])
    TokenProvider(azure, "api://a")
    TokenProvider(anyone, "api://a")
    TokenProvider(
        ClientSecret("tenant", "client", "secret"),
        "api://a/.default",
        tenant_id="tenant",
        additionally_allowed_tenants=["*"],
        store=None,
        policy=RefreshPolicy(early=(0.5, 0.8), wait=30),
        keep_fresh=True,
        on_event=news,
    )
    AsyncTokenProvider(Default(), "api://a")
    TokenProvider(ManagedIdentity(), "api://a", keepfresh=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TokenProvider("secret", "api://a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_provider(provider: TokenProvider) -> None:
    assert_type(provider.token(), Token)
    assert_type(provider.token(timeout=1.5), Token)
    assert_type(provider(), Token)
    assert_type(provider.get_token(), AccessToken)
    assert_type(provider.get_token("api://a", claims="{}", tenant_id="t", enable_cae=True, other=1), AccessToken)
    assert_type(provider.get_token_info("api://a", options={"enable_cae": True}), AccessTokenInfo)
    assert_type(provider.azure_token(), str)
    assert_type(provider.azure_token(min_lifetime=timedelta(minutes=20)), str)
    assert_type(provider.authorization(), str)
    assert_type(provider.invalidate(), bool)
    assert_type(provider.invalidate(provider.token()), bool)
    assert_type(provider.as_async(), AsyncTokenProvider)
    assert_type(provider.as_sync(), TokenProvider)
    assert_type(provider.with_scope("api://b"), TokenProvider)
    assert_type(provider.status(), ProviderStatus)
    with provider as same:
        assert_type(same, TokenProvider)
    provider.close()


async def an_async_provider(provider: AsyncTokenProvider) -> None:
    assert_type(await provider.token(), Token)
    assert_type(await provider.token(timeout=1.5), Token)
    assert_type(await provider(), Token)
    assert_type(await provider.get_token("api://a", claims="{}"), AccessToken)
    assert_type(await provider.get_token_info("api://a"), AccessTokenInfo)
    assert_type(await provider.azure_token(min_lifetime=timedelta(minutes=20)), str)
    assert_type(provider.invalidate(), bool)
    assert_type(provider.as_sync(), TokenProvider)
    assert_type(provider.as_async(), AsyncTokenProvider)
    assert_type(provider.with_scope("api://b"), AsyncTokenProvider)
    assert_type(provider.status(), ProviderStatus)
    async with provider as same:
        assert_type(same, AsyncTokenProvider)
    await provider.close()


def where_a_provider_fits(provider: TokenProvider) -> None:
    azure: TokenCredential = provider
    info: SupportsTokenInfo = provider
    openai: Callable[[], str] = provider
    azure_async: AsyncTokenCredential = provider.as_async()
    info_async: AsyncSupportsTokenInfo = provider.as_async()
    openai_async: Callable[[], Awaitable[str]] = provider.as_async()
    wrong: Callable[[], str] = provider.as_async()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _ = (azure, info, openai, azure_async, info_async, openai_async, wrong)


def takes_text(text: str) -> None: ...


def a_token(token: Token) -> None:
    takes_text(token)
    assert_type("Bearer " + token, str)
    assert_type(token.expires_on, float)
    assert_type(token.refresh_on, float | None)
    assert_type(token.scopes, tuple[str, ...])
    assert_type(token.scope, str)
    assert_type(token.exp, datetime)
    assert_type(token.claims(), dict[str, Any])
    assert_type(Token("t", expires_on=1, refresh_on=None, scopes=["a"]), Token)
    Token("t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def news(event: TokenEvent) -> None:
    assert_type(event.kind, Literal["renewed", "renewal_failed", "expired", "invalidated"])
    assert_type(event.key_digest, str)


def a_status(status: ProviderStatus) -> None:
    assert_type(status.state, Literal["none", "fresh", "stale", "expired"])
    assert_type(status.expires_on, float | None)
    assert_type(status.refresh_on, float | None)
    assert_type(status.last_error, str | None)
    assert_type(status.renewals, int)
    assert_type(status.failures, int)
    assert_type(status.next_attempt, float | None)


def a_request(request: TokenRequest) -> None:
    assert_type(request.scopes, tuple[str, ...])
    assert_type(request.tenant_id, str | None)
    assert_type(request.claims, str | None)
    assert_type(request.enable_cae, bool)
    request.claims = "{}"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


class FromTheVault:
    """A credential of one's own: two members, no base class."""

    @property
    def identity(self) -> tuple[str, ...]:
        return ("vault",)

    def acquire(self, request: TokenRequest) -> Token:
        return Token("t", expires_on=1.0, scopes=request.scopes)


def show(prompt: DeviceCodePrompt) -> None:
    assert_type(prompt.user_code, str)
    assert_type(prompt.verification_uri, str)
    assert_type(prompt.message, str)
    assert_type(prompt.expires_on, float)


async def show_async(prompt: DeviceCodePrompt) -> None:
    show(prompt)


def credentials(azure: DefaultAzureCredential) -> None:
    every: list[Credential] = [
        ManagedIdentity(),
        ManagedIdentity(client_id="c"),
        ManagedIdentity(object_id="o"),
        ManagedIdentity(resource_id="r"),
        ClientSecret("t", "c", "s", authority="https://login.example", verify="ca.pem", proxy="http://p", timeout=5),
        ClientSecret("t", "c", lambda: "s"),
        DeviceCode("c"),
        DeviceCode("c", "t", prompt=show, remember=False),
        DeviceCode("c", prompt=show_async, interactive=False),
        AzureCli(tenant_id="t", subscription="s", timeout=10),
        AzureIdentity(azure),
        Environment(),
        Default(interactive=True, exclude=["azure-cli"]),
        StaticToken("t", expires_on=1.0),
        StaticToken("t"),
        Chain(ManagedIdentity(), AzureCli()),
        FromTheVault(),
    ]
    TokenProvider(FromTheVault(), "api://a")
    TokenProvider(Chain(*every), "api://a")
    ManagedIdentity(clientid="c")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def errors(provider: TokenProvider) -> None:
    try:
        provider.token()
    except CredentialUnavailable as error:
        base: EntraTokensError = error
        _ = base
    except InteractionRequired as error:
        refused: AuthenticationFailed = error
        _ = refused
    except AuthenticationFailed as error:
        assert_type(error.error, str | None)
        assert_type(error.codes, tuple[int, ...])
        assert_type(error.hint, str | None)
        assert_type(error.anchor, str | None)
    except AuthorityUnavailable as error:
        assert_type(error.retry_after, float | None)
    except TokenTimeout as error:
        late: TimeoutError = error
        _ = late
    except ConfigurationError as error:
        wrong: ValueError = error
        _ = wrong


assert_type(entra_tokens.__version__, str)
_ = entra_tokens.Tokenprovider  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
