"""One open socket of one chat session, and the questions under way on it. Lives on the loop that opened it.

`websockets`' asyncio client, on the version that h2ogpte pins: its threaded one (11.0.3) now and then loses the upgrade
request against a server that sends TLS 1.3 session tickets. h2ogpte's own asynchronous sessions are on this one, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from websockets.exceptions import WebSocketException
from websockets.legacy.client import Connect

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from websockets.legacy.client import WebSocketClientProtocol

    from .chat_wire import Question

__all__ = ["CLOSED", "ChatSocket", "NotTaken", "open_socket"]

LARGEST = 64 * 1024 * 1024  # bytes of one message
CLOSING = 1.0  # seconds for the server to say goodbye as well
LOST = (
    "The connection to the h2oGPTe server was lost under the question. The server may have begun to answer it, so it "
    "was not sent again."
)

CLOSED = "The chat session was closed under the question."


class NotTaken(ConnectionError):
    """The server said goodbye before it acknowledged the question."""


class _Connect(Connect):
    MAX_REDIRECTS_ALLOWED = 1  # tries: none is followed, because the token would go with it


async def open_socket(
    url: str, headers: Mapping[str, str], context: ssl.SSLContext | None, timeout: float
) -> WebSocketClientProtocol:
    """Open a socket, without following a redirect."""
    return await _Connect(
        url,
        extra_headers=headers,
        ssl=context,
        open_timeout=timeout,
        close_timeout=CLOSING,
        max_size=LARGEST,
    )


class ChatSocket:
    """See above.

    Args:
        socket: The open socket.
        expires_on: When the token that opened it ends, in epoch seconds.
        renew_on: When it should be replaced by one with a newer token, if it is idle then.
        now: Tells the time.
    """

    def __init__(
        self, socket: WebSocketClientProtocol, expires_on: float, renew_on: float, now: Callable[[], float]
    ) -> None:
        self.expires_on = expires_on
        self.renew_on = renew_on
        self._socket = socket
        self._now = now
        self._asked: dict[str, tuple[Question, asyncio.Future[Any]]] = {}
        self._retired = False
        self._leaving: asyncio.Future[None] | None = None
        self._reader = asyncio.ensure_future(self._read())

    @property
    def usable(self) -> bool:
        """Whether it is open, and not about to be closed."""
        return not self._reader.done() and not self._retired and not self._socket.closed

    @property
    def idle(self) -> bool:
        """Whether no question is under way."""
        return not self._asked

    def expect(self, question: Question) -> None:
        """Count a question as under way, so that the socket stays until `ask` is done with it."""
        self._asked[question.correlation_id] = question, asyncio.get_running_loop().create_future()

    async def ask(self, question: Question) -> Any:
        """Send a question that is expected, and wait for its answer.

        Raises:
            NotTaken: The server has closed the socket in order, and has not acknowledged the question.
            ConnectionError: The socket went meanwhile.
        """
        _, answer = self._asked[question.correlation_id]
        try:
            try:
                await self._socket.send(question.text)
            except (WebSocketException, OSError) as error:
                raise _lost(error) from error
            try:
                return await answer
            except NotTaken as error:
                if question.message_id is None:
                    raise
                raise ConnectionError(LOST) from error
        finally:
            del self._asked[question.correlation_id]
            if answer.done() and not answer.cancelled():
                answer.exception()  # retrieved, though nobody waits any more
            self._leave_if_idle()

    async def answers(self, seconds: float) -> bool:
        """Whether the server is still there: pings it."""
        try:
            pong = asyncio.ensure_future(await self._socket.ping())
        except (WebSocketException, OSError):
            return False
        pong.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # retrieved, whatever it is
        await asyncio.wait({pong, self._reader}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return self.usable and pong.done() and not pong.cancelled() and pong.exception() is None

    def retire(self) -> None:
        """Take no more questions, and close when the last one is answered."""
        self._retired = True
        self._leave_if_idle()

    async def close(self) -> None:
        """Close now; what is under way fails."""
        self._retired = True
        self._fail(ConnectionError(CLOSED))
        with contextlib.suppress(asyncio.TimeoutError, WebSocketException, OSError):
            await asyncio.wait_for(self._socket.close(), CLOSING)
        transport = getattr(self._socket, "transport", None)
        if transport is not None:
            transport.abort()
        await asyncio.wait({self._reader}, timeout=CLOSING)

    def _leave_if_idle(self) -> None:
        if self._retired and self.idle and self._leaving is None:
            self._leaving = asyncio.ensure_future(self.close())

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.recv()
                if isinstance(message, str):
                    for line in message.splitlines():
                        self._hear(line)
        except (WebSocketException, OSError) as error:
            self._fail(_lost(error), error)
        finally:
            self._fail(ConnectionError(LOST))

    def _hear(self, line: str) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(said, dict):
            return
        for question, answer in list(self._asked.values()):
            if answer.done():
                continue
            taken = question.take(said, alone=len(self._asked) == 1, now=self._now())
            if isinstance(taken, Exception):
                answer.set_exception(taken)
            elif taken is not None:
                answer.set_result(taken)

    def _fail(self, error: ConnectionError, cause: BaseException | None = None) -> None:
        for _, answer in self._asked.values():
            if not answer.done():
                each = type(error)(*error.args)  # one of its own: an error gathers its raiser's frames
                each.__cause__ = cause
                answer.set_exception(each)


def _lost(error: BaseException) -> ConnectionError:
    # A server that closes in order has answered, or at least acknowledged, what it had taken before.
    return NotTaken(LOST) if getattr(error, "rcvd", None) is not None else ConnectionError(LOST)
