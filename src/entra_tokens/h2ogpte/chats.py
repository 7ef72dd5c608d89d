"""The chat sessions of one client: which socket a question goes to. Runs on a loop of its own, for both faces.

A question is sent once. So that it does not go into a socket that has died unnoticed, an idle one is pinged first, and
whatever happens after the question has been sent is an error of that question: the server may be answering it.

A socket belongs to the token that opened it. When that is about to run out, an idle socket is replaced by one with the
current token; a socket with a question under way goes on, takes no more, and is closed after its last answer.
"""

from __future__ import annotations

import asyncio
import ssl
import uuid
from typing import TYPE_CHECKING, Any

from .renewal import REFUSED, Renewal
from .upgrade import socket_url, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine.cell import Cell
    from ..engine.status import TokenEvent
    from ..provider import TokenProvider
    from .chat_socket import ChatSocket

__all__ = ["Chats"]

OPENING = 10.0  # seconds for a socket to open: the clients' own
PONG = 5.0  # seconds for an idle socket to answer a ping, before it counts as dead
BEFORE_THE_END = 60.0  # seconds before its token runs out, or a tenth of what was left of it, a socket is replaced
LONGEST_NAP = 30.0  # timers do not count suspend, and clocks are set
SHORTEST_NAP = 1.0
FIRST_PAUSE = 0.1  # seconds between two attempts to connect; doubles


class Chat:
    """One session's socket, and the lock under which it is replaced."""

    def __init__(self) -> None:
        self.socket: ChatSocket | None = None
        self.lock = asyncio.Lock()
        self.leaving: list[ChatSocket] = []


class Chats:
    """See above. Every method is called on one loop, except `on_event`.

    Args:
        address: A checked address.
        provider: Whose token opens the sockets.
        schemes: To be tried in this order where an upgrade is refused; the first that is accepted is kept.
        context: Whom to trust; None for a plain socket on this machine.
        wake: Calls `tend` soon on the loop; from any thread.
    """

    def __init__(
        self, address: str, provider: TokenProvider, schemes: tuple[str, ...], context: ssl.SSLContext | None
    ) -> None:
        self._address = address
        self._provider = provider.as_async()
        self._cell: Cell = provider._cell  # noqa: SLF001 - the other half of us
        session_id = str(uuid.uuid4())
        self._renewals = [Renewal(provider, scheme, session_id) for scheme in schemes]
        self._context = context
        self._chats: dict[str, Chat] = {}
        self._news: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tending: asyncio.Future[None] | None = None
        provider._keep_fresh_for(self)  # noqa: SLF001 - so that there is a newer token when a socket needs one
        self._cell.listeners.add(self)

    async def query(
        self, session_id: str, message: str, options: Mapping[str, Any], seconds: float, retries: int
    ) -> Any:
        """Ask, and return the answer, within so many seconds.

        Raises:
            TimeoutError: They are over.
            ConnectionError: The server cannot be reached in `retries` more attempts, or the socket went.
            EntraTokensError: There is no token.
        """
        from .chat_wire import Question  # the import of h2ogpte takes seconds: here, where only our own thread waits

        question = Question(session_id, str(uuid.uuid4()), message, options)
        try:
            return await asyncio.wait_for(self._asked(question, retries), seconds)
        except asyncio.TimeoutError:
            raise TimeoutError(
                f"The h2oGPTe server has not answered within {seconds:g} s. It may go on answering in the chat session."
            ) from None

    async def close_session(self, session_id: str) -> None:
        """Close one session's socket; what is under way on it fails."""
        chat = self._chats.pop(session_id, None)
        if chat is not None:
            await _close(chat)

    async def close(self) -> None:
        """Close every socket, at once."""
        if self._tending is not None:
            self._tending.cancel()
        chats = list(self._chats.values())
        self._chats.clear()
        await asyncio.gather(*map(_close, chats))

    def on_event(self, event: TokenEvent) -> None:
        """A token has come: the socket that needs it may have it now. Called on a worker thread."""
        loop, news = self._loop, self._news
        if event.kind == "renewed" and loop is not None and news is not None and not loop.is_closed():
            loop.call_soon_threadsafe(news.set)

    async def _asked(self, question: Any, retries: int) -> Any:
        chat = self._chats.setdefault(question.session_id, Chat())
        async with chat.lock:
            socket = await self._current(question.session_id, chat, retries)
            asking = asyncio.ensure_future(socket.ask(question))  # registered at once: from here on it is not idle
        try:
            return await asking
        finally:
            asking.cancel()

    async def _current(self, session_id: str, chat: Chat, retries: int) -> ChatSocket:
        """The session's socket, or a new one. Under the session's lock."""
        socket = chat.socket
        if socket is not None and socket.usable and self._cell.wall() < socket.renew_on:
            if not socket.idle or await socket.answers(PONG):
                return socket
        return await self._replaced(session_id, chat, retries)

    async def _replaced(self, session_id: str, chat: Chat, retries: int) -> ChatSocket:
        old, chat.socket = chat.socket, None
        chat.leaving = [each for each in chat.leaving if not each.idle]
        if old is not None:
            old.retire()
            chat.leaving.append(old)
        chat.socket = await self._opened_at_last(session_id, retries)
        if self._tending is None:
            self._tending = asyncio.ensure_future(self._tend())
        return chat.socket

    async def _opened_at_last(self, session_id: str, retries: int) -> ChatSocket:
        pause = FIRST_PAUSE
        for left in range(retries, -1, -1):
            try:
                return await self._opened(session_id)
            except ssl.SSLCertVerificationError:
                raise
            except (OSError, asyncio.TimeoutError, _Unavailable) as error:
                if not left:
                    raise ConnectionError(
                        f"The h2oGPTe server at {self._address} cannot be reached: {error or type(error).__name__}"
                    ) from error
            await asyncio.sleep(pause)
            pause *= 2
        raise ValueError("retries must not be negative")

    async def _opened(self, session_id: str) -> ChatSocket:
        """Open a socket; where the token is refused under every scheme, once more with a renewed one."""
        from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # it ships no py.typed

        for renewal in list(self._renewals):
            socket = await self._upgraded(session_id, renewal)
            if socket is not None:
                self._renewals = [renewal]
                return socket
        socket = await self._upgraded(session_id, self._renewals[0], renew=True)
        if socket is None:
            raise UnauthorizedError({"error": "The h2oGPTe server refused the upgrade: HTTP 401"})
        return socket

    async def _upgraded(self, session_id: str, renewal: Renewal, *, renew: bool = False) -> ChatSocket | None:
        """One upgrade; None if it met a 401."""
        raise NotImplementedError

    async def _tend(self) -> None:
        """Replace idle sockets in time."""
        raise NotImplementedError


async def _close(chat: Chat) -> None:
    sockets = [*chat.leaving, *filter(None, [chat.socket])]
    await asyncio.gather(*(socket.close() for socket in sockets))


class _Unavailable(Exception):
    """The server answered the upgrade with something that may pass."""
