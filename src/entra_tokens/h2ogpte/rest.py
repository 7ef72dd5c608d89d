"""The 401 rule under the REST methods: in the place of the generated clients' `rest_client`, one HTTP request a call.

`ApiClient.rest_client.request(...)` is the generator's (OpenAPI Generator) seam between the API and the HTTP library:
urllib3 in the synchronous client, aiohttp in the asynchronous one. Bodies come as objects, so they can be sent twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hidden import HiddenHeaders
from .renewal import REFUSED, explained

if TYPE_CHECKING:
    from .renewal import Renewal

__all__ = ["AsyncRest", "Rest"]


class Rest:
    """Sends what the synchronous client's REST methods ask for, and once more after a 401.

    The current token goes out, also where a method took its headers before a job that has outlived them.
    """

    def __init__(self, inner: Any, renewal: Renewal) -> None:
        self._inner = inner
        self._renewal = renewal

    def request(self, method: str, url: str, headers: dict[str, Any] | None = None, **rest: Any) -> Any:
        headers = sent = self._renewal.authorized(headers or {})
        answer = self._inner.request(method, url, headers=HiddenHeaders(sent), **rest)  # it takes its dict apart
        if answer.status != REFUSED or not self._renewal.refused(sent):
            return answer
        answer.response.close()  # not drained: its end may never come
        answer.response.release_conn()
        answer = self._inner.request(method, url, headers=self._renewal.authorized(sent), **rest)
        if answer.status == REFUSED:
            answer.data = explained(answer.read())
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class AsyncRest:
    """As `Rest`, for the asynchronous client."""

    def __init__(self, inner: Any, renewal: Renewal) -> None:
        self._inner = inner
        self._renewal = renewal

    async def request(self, method: str, url: str, headers: dict[str, Any] | None = None, **rest: Any) -> Any:
        headers = sent = await self._renewal.authorized_async(headers or {})
        answer = await self._inner.request(method, url, headers=HiddenHeaders(sent), **rest)
        if answer.status != REFUSED or not self._renewal.refused(sent):
            return answer
        answer.response.close()
        answer = await self._inner.request(method, url, headers=await self._renewal.authorized_async(sent), **rest)
        if answer.status == REFUSED:
            answer.data = explained(await answer.read())
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
