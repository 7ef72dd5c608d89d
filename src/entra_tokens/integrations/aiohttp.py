"""EntraAuth for aiohttp: a client middleware.

>>> from entra_tokens.integrations.aiohttp import EntraAuth
>>> session = aiohttp.ClientSession("https://api.example.com", middlewares=[EntraAuth(provider)])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .extras import missing
from .rule import Rule

try:
    import aiohttp
except ModuleNotFoundError:
    raise missing("aiohttp") from None
if not hasattr(aiohttp, "ClientMiddlewareType"):
    raise missing("aiohttp", "3.12 or newer, which has client middlewares")

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from ..provider import AsyncTokenProvider, TokenProvider
    from .rule import Hosts

__all__ = ["EntraAuth"]


class EntraAuth:
    """The provider's token on every request and WebSocket of an aiohttp session, or of one call (`middlewares=`).

    One object may serve many sessions and loops, and blocks none. A request that is refused with a 401 or a claims
    challenge is sent once more with a renewed token if its body can be sent again: aiohttp rewinds files, and says of
    an iterator that it has been read.

    Args:
        provider: Of either face.
        host: Whom to send tokens to, `"api.example.com"` or several; None: whomever the first request goes to. All
            other hosts are sent none, in a redirect too.

    Raises:
        ConfigurationError: An argument cannot be right. By a request: it goes by http to another machine.
        EntraTokensError: By a request: no token can be had.
    """

    def __init__(self, provider: TokenProvider | AsyncTokenProvider, *, host: Hosts = None) -> None:
        self._rule = Rule(provider, host)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """What aiohttp calls for each request and each redirect."""
        url = request.url
        if not self._rule.admits(url.scheme, url.host, url.port):
            return await handler(request)
        sent = await self._rule.token_async()
        request.headers["Authorization"] = f"Bearer {sent}"
        response = await handler(request)
        try:
            challenge = ", ".join(response.headers.getall("WWW-Authenticate", ()))
            fresh = await self._rule.again_async(sent, response.status, challenge)
        except BaseException:
            response.close()
            raise
        if fresh is None or getattr(request.body, "consumed", False):
            return response
        if request.body:
            response.close()  # it may have come before all of the body was sent: this ends the sending, too
        else:
            response.release()
        await request.close()
        request.headers["Authorization"] = f"Bearer {fresh}"
        return await handler(request)

    def __repr__(self) -> str:
        return f"EntraAuth({self._rule!r})"
