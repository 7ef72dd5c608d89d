"""The 401 rule under the methods that speak to /rpc and to the newer REST routes by hand.

Synchronous: the client calls `requests.get(...)` and its like, and has no session that could be given an adapter. Each
of its helpers makes exactly one request, so the helper is what is called once more. Asynchronous: an `httpx.Auth` on
the client's `httpx.AsyncClient`, which is httpx's own place for this.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httpx
import requests
from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # it ships no py.typed

from .hidden import HiddenHeaders
from .renewal import REFUSED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from .renewal import Renewal

__all__ = ["ONE_REQUEST", "REPEATABLE", "RenewingAuth", "once_more", "replayable"]

# Every method of the synchronous client that calls `requests` itself, except `_put`, whose body may be a stream. A
# version has what it needs of them; tests/h2ogpte/test_private_names.py reads each version's source for others.
ONE_REQUEST = (
    "_get",
    "_post",
    "_post_rest",
    "_put_rest",
    "_post_multipart",
    "_delete",
    "_post_stream",
    "set_default_memory_block",
)

# On an UnauthorizedError of our client: its request carried a token of ours, which is being renewed.
REPEATABLE = "_repeatable"

_RENEWED = ("Authorization", "Session-Id")

# Whether the body of the request that this task or thread is about to send can be read twice.
replayable: ContextVar[bool] = ContextVar("replayable", default=True)


def once_more(helper: Callable[..., Any]) -> Callable[..., Any]:
    """The helper, which is called a second time if its request met a 401; what comes of that is the caller's."""

    @functools.wraps(helper)
    def helped(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return helper(self, *args, **kwargs)
        except UnauthorizedError as error:
            if not getattr(error, REPEATABLE, False):
                raise
        except requests.HTTPError as error:  # of `_post_stream`, which lets requests judge the status
            answer = error.response
            if answer is None or answer.status_code != REFUSED or not self._renewal.refused(answer.request.headers):
                raise
            answer.close()
        return helper(self, *args, **kwargs)

    return helped


class RenewingAuth(httpx.Auth):
    """Sends a request of an `httpx.AsyncClient` once more after a 401. The first header is the client's own."""

    def __init__(self, renewal: Renewal) -> None:
        self._renewal = renewal

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        response = yield request
        if response.status_code == REFUSED and self._renewal.refused(request.headers) and replayable.get():
            carried = {name: request.headers[name] for name in _RENEWED if name in request.headers}
            request.headers.update(await self._renewal.authorized_async(HiddenHeaders(carried)))
            yield request  # httpx has read the refusal to its end
