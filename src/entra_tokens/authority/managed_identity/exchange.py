"""One request to loopback or link-local: no proxy, no redirect, no kept connection, a limit on time and size.

The standard library does it in a fifth of the time and half the memory of msal or httpx. A proxy or a redirect would
hand the host's secret header to somebody else (measured with msal and azure-identity); here there is neither.
"""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from ...engine.clock import SYSTEM_CLOCK
from ...errors import CredentialUnavailable
from ..failures import unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

__all__ = ["Limits", "Link", "Reply", "exchange"]

_LARGEST = 1 << 20


class Reply(NamedTuple):
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Limits(NamedTuple):
    """Seconds to wait for the connection, and for everything, connecting included."""

    connect: float
    total: float


def exchange(
    url: str,
    headers: Mapping[str, str],
    limits: Limits,
    *,
    who: str,
    query: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    thumbprint: str | None = None,
) -> Reply:
    """Ask.

    Args:
        url: `http://host[:port]/path`, as the platform gave it; `https://` where there is a thumbprint.
        headers: Sent as they are.
        limits: How long it may take.
        who: The credential and its host, for messages.
        query: What to add to the address.
        form: What to post; None: a GET.
        thumbprint: The SHA-1 of the one certificate that is trusted, in lower-case hex digits; nothing is sent to
            whoever shows another.

    Raises:
        CredentialUnavailable: Nobody listens there.
        AuthorityUnavailable: Somebody does, but no whole answer came in time.
    """
    parts = urlsplit(url)
    until = SYSTEM_CLOCK.boot() + limits.total
    port = parts.port or (80 if thumbprint is None else 443)
    try:
        link = _connected(parts.hostname or "", port, min(limits), until)
    except OSError as error:
        why = error.strerror or type(error).__name__
    else:
        target = (parts.path or "/") + "?" + "&".join(filter(None, (parts.query, urlencode(query or {}))))
        return _exchanged(link, parts, target.rstrip("?"), headers, form, thumbprint, limits.total, who)
    raise CredentialUnavailable(
        f"{who}: nobody answers at {parts.netloc} ({why}). This is not that host.", anchor="managed-identity"
    )


def _exchanged(
    link: Link,
    parts: SplitResult,
    target: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None,
    thumbprint: str | None,
    total: float,
    who: str,
) -> Reply:
    connection = HTTPConnection(parts.netloc)
    connection.sock = link
    try:
        if thumbprint is not None:
            from .pinned import pinned

            connection.sock = pinned(link, parts.hostname or "", thumbprint, who=who)
        sent = {**headers, "Accept": "application/json", "Connection": "close"}
        if form is None:
            connection.request("GET", target, headers=sent)
        else:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", target, urlencode(form), sent)
        answer = connection.getresponse()
        body = answer.read(_LARGEST + 1)
        if len(body) <= _LARGEST:
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
        why = "the answer is larger than 1 MiB"
    except TimeoutError:
        why = f"no answer within {total:g} s"
    except HTTPException as error:
        why = f"the answer is no HTTP ({type(error).__name__})"
    except OSError as error:
        why = f"the connection broke ({error.strerror or type(error).__name__})"
    finally:
        connection.close()
    raise unavailable(who, why, anchor="managed-identity")


class Link(socket.socket):
    """A socket of which every step gets what is left of the whole time: a drip of bytes cannot outlast it."""

    until: float = 0.0

    def left(self) -> float:
        """Seconds, or a TimeoutError."""
        left = self.until - SYSTEM_CLOCK.boot()
        if left <= 0:
            raise TimeoutError
        return left

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.left())
        return super().sendall(*args, **kwargs)


def _connected(host: str, port: int, seconds: float, until: float) -> Link:
    failure: OSError = ConnectionError("the host has no address")
    give_up = SYSTEM_CLOCK.boot() + seconds
    try:
        name: str | bytes = host.encode("ascii")  # given text, getaddrinfo loads the tables of international names
    except UnicodeEncodeError:
        name = host
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        link = Link(family, kind, protocol)
        link.until = until
        try:
            link.settimeout(max((give_up - SYSTEM_CLOCK.boot()) / (len(found) - tried), 0.05))
            link.connect(address)
        except OSError as error:
            link.close()
            failure = error
        else:
            return link
    raise failure
