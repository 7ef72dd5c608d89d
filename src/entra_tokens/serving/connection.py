"""One connection: one request, one answer, then it is closed.

There is no second request on a connection, so nothing that hides behind a first one (pipelining, a body that one side
counts otherwise than the other) is ever read. h11 parses strictly; time and size have limits.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import h11

from .head import Head, Refused

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable

__all__ = ["Limits", "exchange"]

_LARGEST_HEAD = 16 * 1024  # bytes; resource ids are a few hundred
_LINGER = 1.0  # seconds in which what a refused client still sends is read, so that it meets the answer, not a reset


class Limits(NamedTuple):
    """Seconds for the request's head, and for a client to take its answer."""

    head: float = 10.0
    answer: float = 10.0


_PATIENT = Limits()


async def exchange(
    reader: StreamReader,
    writer: StreamWriter,
    answer: Callable[[Head], Awaitable[dict[str, str]]],
    refusal: Callable[[Refused], dict[str, object]],
    limits: Limits = _PATIENT,
) -> None:
    """Read the request, send the answer.

    Args:
        reader: From the client.
        writer: To the client; whoever opened it closes it.
        answer: Makes the body for a request, or raises `Refused`.
        refusal: Makes the body for a refusal.
        limits: How long a client may take.
    """
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
    head: Head | None = None
    body: dict[str, str] | dict[str, object]
    try:
        head = await asyncio.wait_for(_head(http, reader), limits.head)
        if head is None:
            return
        body, status = await answer(head), 200
    except h11.RemoteProtocolError as error:
        status = error.error_status_hint
        body = refusal(Refused(status, "This is not a request that can be read."))
    except asyncio.TimeoutError:  # before 3.11 it is not the built-in one
        status = 408
        body = refusal(Refused(status, "The request did not arrive in time."))
    except Refused as refused:
        status, body = refused.status, refusal(refused)
    all_read = http.their_state is h11.DONE
    with suppress(OSError, asyncio.TimeoutError):
        writer.write(_bytes(http, status, json.dumps(body).encode(), bare=head is not None and head.method == b"HEAD"))
        await asyncio.wait_for(writer.drain(), limits.answer)
        if not all_read and writer.can_write_eof():
            writer.write_eof()
            await asyncio.wait_for(_read_out(reader), _LINGER)


async def _head(http: h11.Connection, reader: StreamReader) -> Head | None:
    """The request's head; None: the client left. What follows it is not read: nothing may."""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(4096))
        elif isinstance(event, h11.Request):
            head = Head(bytes(event.method), bytes(event.target), tuple((bytes(n), bytes(v)) for n, v in event.headers))
            if not head.has_body:
                http.next_event()  # the end of the message: h11 knows that it is all there
            return head
        else:
            return None


async def _read_out(reader: StreamReader) -> None:
    for _ in range(64):
        if not await reader.read(4096):
            return


def _bytes(http: h11.Connection, status: int, body: bytes, *, bare: bool) -> bytes:
    """An answer that nobody keeps, frames or takes for a page. Nothing of the request is in its head.

    Args:
        http: The connection, which frames it.
        status: Of the answer.
        body: JSON.
        bare: Whether it is the answer to a HEAD, which has no body (RFC 9110 §9.3.2).
    """
    headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Pragma", "no-cache"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Connection", "close"),
    ]
    if status == 405:
        headers.append(("Allow", "GET"))
    parts = [
        h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase),
        h11.Data(data=b"" if bare else body),
    ]
    return b"".join(http.send(part) or b"" for part in (*parts, h11.EndOfMessage()))
