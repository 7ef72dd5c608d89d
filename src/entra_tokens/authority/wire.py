"""One request and its answer, in HTTP/1.1 as h11 has it.

`http.client` would do, and loads TLS and the parser of e-mails: a quarter of the time to a managed identity's first
token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from ..record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["NotHttp", "Reply", "TooLarge", "read_reply", "request_bytes"]

_LARGEST = 1 << 20  # bytes of a body
_LONGEST = 1 << 16  # bytes of what comes before it


class NotHttp(Exception):
    """What came is no whole answer in HTTP. The text is ours and repeats nothing of it."""


class TooLarge(Exception):
    """The body is larger than 1 MiB."""


class Reply(Record):
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    _hidden = ("body",)

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._set(status=status, headers=headers, body=body)


def request_bytes(host: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """A GET, or a POST where there is a body, after which the connection ends.

    Raises:
        ValueError: The target or a header holds what cannot stand there, such as a line break.
    """
    sent = {"Host": host, "Accept-Encoding": "identity", "Connection": "close", **headers}
    if body is not None:
        sent["Content-Length"] = str(len(body))
    client = h11.Connection(h11.CLIENT)
    try:
        request = h11.Request(method="GET" if body is None else "POST", target=target, headers=list(sent.items()))
        head = client.send(request)
    except (h11.LocalProtocolError, UnicodeEncodeError):
        head = None  # their text may quote a secret
    if head is None:
        raise ValueError("the address or a header holds characters that cannot stand there")
    return head + (body or b"")


def read_reply(receive: Callable[[int], bytes]) -> Reply:
    """Read one answer.

    Args:
        receive: Returns what has come, at most so many bytes; nothing at the end.

    Raises:
        NotHttp: It is none, or breaks off.
        TooLarge: Its body is.
        OSError: The connection breaks, or time is over.
    """
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "")]))  # what is read answers a request
    client.send(h11.EndOfMessage())
    status, headers, body = 0, dict[str, str](), bytearray()
    while not isinstance(event := _next(client, receive), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status, headers = event.status_code, _text(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LARGEST:
                raise TooLarge
    return Reply(status, headers, bytes(body))


def _next(client: h11.Connection, receive: Callable[[int], bytes]) -> h11.Event:
    why = "it breaks off"
    try:
        while (event := client.next_event()) is h11.NEED_DATA:
            client.receive_data(receive(_LONGEST))
        if isinstance(event, (h11.InformationalResponse, h11.Response, h11.Data, h11.EndOfMessage)):
            return event
    except h11.RemoteProtocolError:
        why = "what came is another protocol, or breaks off"  # their text may quote what came
    raise NotHttp(why)


def _text(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("ascii"): value.decode("latin-1") for name, value in headers}
