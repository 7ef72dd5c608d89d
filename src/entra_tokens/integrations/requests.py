"""EntraAuth for requests.

>>> from entra_tokens.integrations.requests import EntraAuth
>>> session.auth = EntraAuth(provider)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .extras import missing
from .rule import Rule

try:
    import requests  # noqa: TC002 - to see whether it is there
    from requests.auth import AuthBase
except ModuleNotFoundError:
    raise missing("requests", extra="") from None

if TYPE_CHECKING:
    from ..provider import AsyncTokenProvider, TokenProvider
    from .rule import Hosts

__all__ = ["EntraAuth"]

_BEARER = "Bearer "


class EntraAuth(AuthBase):
    """The provider's token on every request of a `requests` session, or of one call (`auth=`).

    One object may serve many sessions and threads. A request that is refused with a 401 or a claims challenge is sent
    once more with a renewed token if its body can be sent again: bytes or text, which is what `data=`, `json=` and
    `files=` become, not a file or a generator given as `data=`.

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

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """What requests calls for each request, but for no redirect of one: it takes the header off for other hosts."""
        if self._admits(r):
            r.headers["Authorization"] = _BEARER + self._rule.token()
            r.register_hook("response", self._answered)
        return r

    def _admits(self, request: requests.PreparedRequest) -> bool:
        parts = urlsplit(request.url or "")
        return self._rule.admits(parts.scheme, parts.hostname, parts.port)

    def _answered(self, response: requests.Response, **options: Any) -> requests.Response:
        request = response.request  # of a redirect, where one was followed: each is answered by itself
        carried = str(request.headers.get("Authorization", ""))
        if not carried.startswith(_BEARER):
            return response
        challenge = response.headers.get("WWW-Authenticate", "")
        fresh = self._rule.again(carried[len(_BEARER) :], response.status_code, challenge)
        if fresh is None or not isinstance(request.body, (bytes, str, type(None))):
            return response
        again = request.copy()
        again.headers["Authorization"] = _BEARER + fresh
        response.close()  # not read to its end, which may never come
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

    def __repr__(self) -> str:
        return f"EntraAuth({self._rule!r})"
