"""The chat sessions of one client: which socket a question goes to. Runs on a loop of its own, for both faces.

A question is sent once. So that it does not go into a socket that has died unnoticed, an idle one is pinged first, and
whatever happens after the question has been sent is an error of that question: the server may be answering it. (One
exception: a server that closes a socket in order, as it does when a token has expired, while the question is on its
way, and has not acknowledged it, has not taken it.)

A socket belongs to the token that opened it. When that is about to run out, an idle socket is replaced by one with the
current token; a socket with a question under way goes on, takes no more, and is closed after its last answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from websockets.exceptions import WebSocketException

from ..engine import workers
from . import client
from .chat_socket import CLOSED, ChatSocket, NotTaken, open_socket
from .renewal import REFUSED, Renewal
from .upgrade import FORBIDDEN, socket_url, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..engine.cell import Cell
    from ..engine.status import TokenEvent
    from ..provider import TokenProvider
    from ..token import Token
    from .chat_wire import Question

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
        self.lock: asyncio.Lock = asyncio.Lock()
        self.closed = False
        self.leaving: list[ChatSocket] = []


class Chats:
    """See above. Every method is called on one loop, except `on_event`.

    Args:
        address: A checked address.
        provider: Whose token opens the sockets.
        schemes: To be tried in this order where an upgrade is refused; the first that is accepted is kept.
        context: Whom to trust; None for a plain socket on this machine.
    """

    def __init__(
        self, address: str, provider: TokenProvider, schemes: Sequence[str], context: ssl.SSLContext | None
    ) -> None:
        self.address = address
        self._provider = provider.as_async()
        self._cell: Cell = provider._cell  # noqa: SLF001 - the other half of us
        self._session_id = str(uuid.uuid4())
        self._renewals = [(scheme, Renewal(provider, scheme, self._session_id)) for scheme in schemes]
        self._context = context
        self._begin_anew()
        self._left_behind: list[Any] = []
        workers.after_fork_in_child(self._renew_after_fork)
        provider._keep_fresh_for(self)  # noqa: SLF001 - so that there is a newer token when a socket needs one
        self._cell.listeners.add(self)

    def _begin_anew(self) -> None:
        self._chats: dict[str, Chat] = {}
        self._tending: asyncio.Future[None] | None = None
        self._news: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def _renew_after_fork(self) -> None:
        self._left_behind.append((self._chats, self._tending, self._news))  # the parent's
        self._begin_anew()

    async def query(
        self, session_id: str, message: str, options: Mapping[str, Any], seconds: float, retries: int
    ) -> Any:
        """Ask, and return the answer, within so many seconds.

        Raises:
            TimeoutError: They are over.
            ConnectionError: The server could not be reached in `retries` more attempts, or the socket went.
            EntraTokensError: There is no token.
        """
        client.load()
        from .chat_wire import Question  # the import of h2ogpte takes seconds; only our own thread waits for it here

        question = Question(session_id, str(uuid.uuid4()), message, options)
        try:
            return await asyncio.wait_for(self._asked(question, retries), seconds)
        except asyncio.TimeoutError as error:
            if str(error):
                raise  # a provider's, which says more
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
        """A token has come: a socket that needs it need not wait for its timer. Called on a worker thread."""
        news = self._news
        if event.kind == "renewed" and news is not None and not news[0].is_closed():
            news[0].call_soon_threadsafe(news[1].set)

    async def _asked(self, question: Question, retries: int) -> Any:
        chat = self._chats.get(question.session_id)
        if chat is None:
            chat = self._chats[question.session_id] = Chat()
        while True:
            async with chat.lock:
                before = chat.socket
                socket = await self._current(question.session_id, chat, retries)
                socket.expect(question)
            try:
                return await socket.ask(question)
            except NotTaken:
                if socket is not before:  # opened for this question
                    raise

    async def _current(self, session_id: str, chat: Chat, retries: int) -> ChatSocket:
        """The session's socket, or a new one. Under the session's lock."""
        socket = chat.socket
        if socket is None or not socket.usable or await self._outlived(socket):
            return await self._replaced(session_id, chat, retries)
        if socket.idle and not await socket.answers(PONG):
            return await self._replaced(session_id, chat, retries)
        return socket

    async def _outlived(self, socket: ChatSocket) -> bool:
        """Whether the socket's token is about to run out, and there is one that lasts longer."""
        if self._cell.wall() < socket.renew_on:
            return False
        return (await self._provider.token()).expires_on > socket.expires_on

    async def _replaced(self, session_id: str, chat: Chat, retries: int) -> ChatSocket:
        made = await self._opened_at_last(session_id, retries)
        old, chat.socket = chat.socket, made
        chat.leaving = [each for each in chat.leaving if not each.idle]
        if old is not None:
            old.retire()
            chat.leaving.append(old)
        if chat.closed:  # meanwhile
            await _close(chat)
            raise ConnectionError(CLOSED)
        self._tend_from_here_on()
        return made

    async def _opened_at_last(self, session_id: str, retries: int) -> ChatSocket:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._opened(session_id)
            except ssl.SSLCertVerificationError:
                raise
            except (OSError, WebSocketException, asyncio.TimeoutError) as error:
                status = status_of(error)
                if retries <= 0 or (status is not None and status < 500):  # another try is refused, too
                    raise _unreachable(self.address, error, status) from error
            await asyncio.sleep(pause)
            pause, retries = pause * 2, retries - 1

    async def _opened(self, session_id: str) -> ChatSocket:
        """Open a socket: under the first scheme that is accepted, else once more with the token renewed."""
        for last in (False, True):
            refused: list[Callable[[], bool]] = []
            for scheme, renewal in list(self._renewals):
                token = await self._provider.token()
                headers = renewal.with_token(self._headers(), token)
                try:
                    opened = await open_socket(socket_url(self.address, session_id), headers, self._context, OPENING)
                except WebSocketException as error:
                    if status_of(error) != REFUSED:
                        raise
                    refused.append(partial(renewal.refused, headers))
                    if last and len(refused) == len(self._renewals):
                        raise
                    continue
                self._renewals = [(scheme, renewal)]
                return ChatSocket(opened, token.expires_on, self._renew_on(token), self._cell.wall)
            for note in refused:
                note()
        raise AssertionError("unreachable")

    def _headers(self) -> dict[str, str]:
        return {"Session-Id": self._session_id, "X-Client-Version": client.version()}

    def _renew_on(self, token: Token) -> float:
        left = token.expires_on - self._cell.wall()
        return token.expires_on - min(BEFORE_THE_END, left / 10)

    def _tend_from_here_on(self) -> None:
        if self._tending is None or self._tending.done():
            self._news = asyncio.get_running_loop(), asyncio.Event()
            self._tending = asyncio.ensure_future(self._tend(self._news[1]))

    async def _tend(self, news: asyncio.Event) -> None:
        """Replace idle sockets before their tokens run out."""
        while True:
            nap = LONGEST_NAP
            for session_id, chat in list(self._chats.items()):
                socket = chat.socket
                if socket is None or not socket.usable:
                    continue  # dropped: the next question opens another
                due = socket.renew_on - self._cell.wall()
                if due <= 0 and socket.idle and not chat.lock.locked():
                    with contextlib.suppress(Exception):  # it is tried again, and by the next question
                        await self._renewed(session_id, chat)
                nap = min(nap, max(due, SHORTEST_NAP))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(news.wait(), nap)
            news.clear()

    async def _renewed(self, session_id: str, chat: Chat) -> None:
        async with chat.lock:
            socket = chat.socket
            if socket is not None and socket.usable and socket.idle and await self._outlived(socket):
                await self._replaced(session_id, chat, retries=0)


async def _close(chat: Chat) -> None:
    chat.closed = True
    sockets = [*chat.leaving, *filter(None, [chat.socket])]
    await asyncio.gather(*(socket.close() for socket in sockets))


def _unreachable(address: str, error: BaseException, status: int | None) -> Exception:
    from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # it ships no py.typed

    if status in (REFUSED, FORBIDDEN):  # as the clients' sessions
        return UnauthorizedError({"error": str(error)})  # type: ignore[no-any-return] # untyped
    return ConnectionError(f"The h2oGPTe server at {address} cannot be reached: {str(error) or type(error).__name__}")
