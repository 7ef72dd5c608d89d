"""EntraAuth for httpx and httpx2.

>>> from entra_tokens.integrations.httpx import EntraAuth
>>> client = httpx.Client(base_url="https://api.example.com", auth=EntraAuth(provider))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from .rule import SAFE_METHODS, Rule

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from ..provider import AsyncTokenProvider, TokenProvider
    from .rule import Hosts

    Auth = httpx.Auth
else:
    try:
        import httpx2
    except ImportError:  # an extra
        Auth = httpx.Auth
    else:
        # Each of the two takes only what derives from its own class.
        Auth = type("Auth", (httpx.Auth, httpx2.Auth), {"__doc__": "What both libraries take."})

__all__ = ["EntraAuth"]


class EntraAuth(Auth):
    """The provider's token on every request of an `httpx` or `httpx2` client, sync or async.

    One object may serve many clients, threads and loops (asyncio and trio), and blocks none of the loops.
    A request that is refused with a 401 or a claims challenge is sent once more with a renewed token if its body can be
    sent again: one given as bytes, text, JSON or form fields, not a file or a generator. Where redirects were followed
    in between, only a GET or the like is.

    Args:
        provider: Of either face.
        host: Whom to send tokens to, `"api.example.com"` or several; None: whomever the first request goes to. All
            other hosts are sent none.

    Raises:
        ConfigurationError: An argument cannot be right. By a request: it goes by http to another machine.
        EntraTokensError: By a request: no token can be had.
    """

    def __init__(self, provider: TokenProvider | AsyncTokenProvider, *, host: Hosts = None) -> None:
        self._rule = Rule(provider, host)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """As `sync_auth_flow`: the synchronous form is the one for whoever drives this by hand."""
        return self.sync_auth_flow(request)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """What `Client` runs for each request."""
        if not self._rule.admits(*_address(request)):
            yield request
            return
        sent = self._rule.token()
        response = yield _with(request, sent)
        if _carried(response, sent):
            fresh = self._rule.again(sent, response.status_code, _challenge(response))
            if fresh is not None and _may_go_again(request, response):
                yield _with(request, fresh)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """What `AsyncClient` runs for each request."""
        if not self._rule.admits(*_address(request)):
            yield request
            return
        sent = await self._rule.token_async()
        response = yield _with(request, sent)
        if _carried(response, sent):
            fresh = await self._rule.again_async(sent, response.status_code, _challenge(response))
            if fresh is not None and _may_go_again(request, response):
                yield _with(request, fresh)

    def __repr__(self) -> str:
        return f"EntraAuth({self._rule!r})"


def _address(request: httpx.Request) -> tuple[str, str, int | None]:
    return request.url.scheme, request.url.host, request.url.port


def _with(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _carried(response: httpx.Response, sent: str) -> bool:
    """Whether what was answered carried the token: redirects to other hosts, which are followed in between, do not."""
    return bool(response.request.headers.get("Authorization") == f"Bearer {sent}")


def _challenge(response: httpx.Response) -> str:
    return str(response.headers.get("WWW-Authenticate", ""))


def _may_go_again(request: httpx.Request, response: httpx.Response) -> bool:
    if response.request is not request and request.method not in SAFE_METHODS:
        return False  # redirected: what it asked for has been done
    try:
        _: Any = request.content
    except RuntimeError:  # RequestNotRead of either library: a stream, which may have been read to its end
        return False
    return True
