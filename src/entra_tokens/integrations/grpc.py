"""EntraAuth for gRPC: a metadata plugin for call credentials, sync and aio; and what repeats a call that was refused.

>>> from entra_tokens.integrations.grpc import EntraAuth, RetryRefused
>>> credentials = grpc.composite_channel_credentials(
...     grpc.ssl_channel_credentials(), grpc.metadata_call_credentials(EntraAuth(provider))
... )
>>> channel = grpc.intercept_channel(grpc.secure_channel("api.example.com:443", credentials), RetryRefused(provider))

`grpc.aio.secure_channel(..., interceptors=[AsyncRetryRefused(provider)])` is the asynchronous form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import EntraTokensError
from .extras import missing
from .rule import Rule

try:
    import grpc  # type: ignore[import-untyped] # it ships no types
    import grpc.aio  # type: ignore[import-untyped] # likewise
except ModuleNotFoundError:
    raise missing("grpc") from None

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..provider import AsyncTokenProvider, TokenProvider
    from .rule import Hosts

__all__ = ["AsyncRetryRefused", "EntraAuth", "RetryRefused"]

_UNAUTHORIZED = 401  # what gRPC calls UNAUTHENTICATED


class EntraAuth(grpc.AuthMetadataPlugin):  # type: ignore[misc] # grpc ships no types
    """The provider's token in the metadata of every call, of whatever kind, on a `grpc` or `grpc.aio` channel.

    gRPC sends call credentials over secure channels only, and calls this on a thread of its own: no event loop waits.
    One object may serve many channels.

    Args:
        provider: Of either face.
        host: Whom to send tokens to, `"api.example.com"` or several; None: whomever the first call goes to. All other
            hosts are sent none.

    Raises:
        ConfigurationError: An argument cannot be right.
    """

    def __init__(self, provider: TokenProvider | AsyncTokenProvider, *, host: Hosts = None) -> None:
        self._rule = Rule(provider, host)

    def __call__(self, context: Any, callback: Callable[[Any, Exception | None], None]) -> None:
        """What gRPC calls for each call; an error is the call's, with our text as its details."""
        service = urlsplit(context.service_url)
        try:
            admitted = self._rule.admits(service.scheme, service.hostname, service.port)
            metadata = (("authorization", f"Bearer {self._rule.token()}"),) if admitted else ()
        except EntraTokensError as error:
            callback((), error)
        else:
            callback(metadata, None)

    def __repr__(self) -> str:
        return f"EntraAuth({self._rule!r})"


class RetryRefused(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc ships no types
    """Makes a call that was refused as UNAUTHENTICATED once more, with a renewed token: for `grpc.intercept_channel`.

    For calls with one request and one response. Those made with `.future()`, which nobody may wait for here, and
    streams are not repeated.

    Args:
        provider: The one whose tokens the channel's `EntraAuth` sends, of either face.
    """

    def __init__(self, provider: TokenProvider | AsyncTokenProvider) -> None:
        self._rule = Rule(provider)

    def intercept_unary_unary(self, continuation: Callable[..., Any], client_call_details: Any, request: Any) -> Any:
        # The plugin, later, sends this token or one that came after it; with the latter nothing is invalidated.
        sent = self._rule.token()
        call = continuation(client_call_details, request)
        if call.done() and call.code() is grpc.StatusCode.UNAUTHENTICATED:
            fresh = self._rule.again(sent, _UNAUTHORIZED, _challenge(call.trailing_metadata()))
            if fresh is not None:
                return continuation(client_call_details, request)
        return call


class AsyncRetryRefused(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc ships no types
    """As `RetryRefused`, for `grpc.aio` channels (`interceptors=[...]`); blocks no loop."""

    def __init__(self, provider: TokenProvider | AsyncTokenProvider) -> None:
        self._rule = Rule(provider)

    async def intercept_unary_unary(
        self, continuation: Callable[..., Awaitable[Any]], client_call_details: Any, request: Any
    ) -> Any:
        sent = await self._rule.token_async()
        call = await continuation(client_call_details, request)
        if await call.code() is grpc.StatusCode.UNAUTHENTICATED:
            fresh = await self._rule.again_async(sent, _UNAUTHORIZED, _challenge(await call.trailing_metadata()))
            if fresh is not None:
                return await continuation(client_call_details, request)
        return call


def _challenge(metadata: Any) -> str:
    found = [value for name, value in metadata or () if name.lower() == "www-authenticate"]
    return ", ".join(value for value in found if isinstance(value, str))
