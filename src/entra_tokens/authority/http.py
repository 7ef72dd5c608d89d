"""The one HTTP client under msal: to one authority only, no redirects, no retries, in a limited time.

It keeps the shape of `requests` that msal wants (`get`, `post`, an answer with `status_code`, `text` and `headers`),
turns everything that is no usable answer into AuthorityUnavailable, and remembers this thread's last answer, because
msal drops `refresh_in`, the status and the headers.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpcore

from ..acquiring import current
from .cloud import is_same_origin
from .deadline import Deadline
from .failures import foreign_origin, unreachable
from .seen import read_answer
from .transport import connections
from .verify import ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from .options import AuthorityOptions
    from .seen import Seen

__all__ = ["Answer", "AuthorityHttp"]

_LARGEST = 1 << 20  # bytes; a token answer has a few thousand
# Bodies are read as they come: an encoded one of 1 MiB can unfold to 1 GiB.
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "entra-tokens"}
_FOR_MSAL = ("token_type", "error", "error_codes", "suberror")


class Answer(NamedTuple):
    """What msal is given: the shape of a `requests` response."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """msal calls it for 5xx alone, and those never get here."""


class AuthorityHttp:
    """A client for one authority. Used by any number of threads at once, each inside a `session()` of its own.

    A session's connection ends with it: tokens are an hour apart, and a connection that is kept that long has been
    dropped by somebody, or is spoken on by a forked child as well.

    Args:
        authority: `https://host[:port]`: the only place that anything is sent to.
        verify: As settled by `resolved_verify`.
        proxy: As settled by `resolved_proxy`.
        timeout: Seconds for a whole request, from connecting to the last byte.
        who: The credential, for messages.
    """

    def __init__(
        self, authority: str, *, verify: bool | str | ssl.SSLContext, proxy: str | None, timeout: float, who: str
    ) -> None:
        self._authority = authority
        self._verify = verify
        self._proxy = proxy
        self._timeout = timeout
        self._who = who
        self._deadline = Deadline()
        self._context: ssl.SSLContext | None = None
        self._mine = threading.local()

    @classmethod
    def of(cls, options: AuthorityOptions, *, who: str) -> AuthorityHttp:
        """The client for these options, the token proxy of AKS left aside."""
        return cls(options.authority, verify=options.verify, proxy=options.proxy, timeout=options.timeout, who=who)

    def post(self, url: str, *, data: Any = None, headers: Any = None, params: Any = None, **_: Any) -> Answer:
        """Send a form."""
        return self._ask("POST", url, data=data, headers=headers, params=params)

    def post_form(self, url: str, form: Mapping[str, str]) -> Seen:
        """Send a form in a session of its own, and return what came."""
        with self.session():
            self.post(url, data=form)
            seen = self.seen
        assert seen is not None  # noqa: S101 - for type checkers: a post without an answer raises
        return seen

    def get(self, url: str, *, params: Any = None, headers: Any = None, **_: Any) -> Answer:
        """Read a document."""
        return self._ask("GET", url, headers=headers, params=params)

    def close(self) -> None:
        """Nothing to close outside a session; msal's interface wants the method."""

    @contextmanager
    def session(self) -> Iterator[None]:
        """Share a connection among this thread's requests, and forget its last answer at both ends."""
        with connections(self._tls(), self._proxy, self._deadline) as pool:
            self._mine.pool, self._mine.seen = pool, None
            try:
                yield
            finally:
                self._mine.pool = self._mine.seen = None

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl_context(self._verify)
        return self._context

    @property
    def seen(self) -> Seen | None:
        """The last answer of this thread's session, if there was one."""
        answer: Seen | None = self._mine.seen
        return answer

    def _ask(self, method: str, url: str, **parts: Any) -> Answer:
        self._mine.seen = None
        if not is_same_origin(url, self._authority):
            # A discovery document decides what msal posts the secret to; a forged one must not.
            raise foreign_origin(self._who, self._authority)
        asked_at = current().clock.wall()
        status, headers, body = self._exchange(method, url, parts)
        seen = self._mine.seen = read_answer(status, headers, body, asked_at=asked_at, who=self._who)
        return Answer(status, json.dumps(_for_msal(seen.body)), headers)

    def _exchange(self, method: str, url: str, parts: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        headers = {**_HEADERS, "Host": urlsplit(url).netloc}
        headers.update((name, value) for name, value in (parts["headers"] or {}).items() if value is not None)
        if parts["params"]:
            url += ("&" if "?" in url else "?") + _fields(parts["params"])
        content = b"" if method == "POST" else None
        if parts.get("data"):
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = _fields(parts["data"]).encode("ascii")
        pool: httpcore.ConnectionPool = self._mine.pool
        self._deadline.start(self._timeout)
        why: str | Exception
        try:
            with pool.stream(method, url, headers=list(headers.items()), content=content) as response:
                body = bytearray()
                for piece in response.iter_stream():
                    body += piece
                    if len(body) > _LARGEST:
                        break
                else:
                    found = {
                        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
                    }
                    return response.status, found, bytes(body)
            why = "the answer is larger than 1 MiB"
        except (httpcore.ConnectTimeout, httpcore.ReadTimeout, httpcore.WriteTimeout, httpcore.PoolTimeout):
            why = f"no answer within {self._timeout:g} s"
        except httpcore.ProxyError as error:
            why = f"the proxy refused ({str(error) or type(error).__name__})"
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,
            UnicodeError,
        ) as error:
            why = error
        raise unreachable(self._who, self._authority, why)


def _fields(given: Mapping[str, Any]) -> str:
    # msal says None for a field that it leaves out.
    return urlencode([(name, value) for name, value in given.items() if value is not None])


def _for_msal(content: dict[str, Any]) -> dict[str, Any]:
    """What msal may see of an answer: nothing that it would log, keep, or fail to count with. Ours is in `seen`."""
    if "error" not in content and "access_token" not in content:
        return content
    shown = {key: content[key] for key in _FOR_MSAL if key in content}
    return {**shown, "access_token": "-"} if "access_token" in content else shown
