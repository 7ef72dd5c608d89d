"""The endpoint: a thread with an event loop of its own, from `open()` until `close()`."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ..engine.clock import SYSTEM_CLOCK
from .connection import Limits, exchange
from .guard import guard
from .head import Refused
from .listening import listen
from .room import room_for_connections

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from .form import Form
    from .head import Head
    from .tokens import Tokens

__all__ = ["Endpoint"]

_LIMITS = Limits()
_END = 5.0  # seconds; whatever `say` waits for, the process ends
_AGAIN = 0.5  # seconds until another try, where the system refused to accept a connection


class Endpoint:
    """A managed-identity endpoint on this machine. Listens from construction on, answers from `open()` on.

    One thread may use it; its own thread runs the loop.

    Args:
        form: Which protocol its clients speak.
        tokens: What it gives.
        bind: An address of this machine; others than loopback can be reached by whoever is in the network.
        port: 0: any that is free.
        allow_hosts: Names by which clients elsewhere reach it.
        say: Called with news for the person who runs it, each piece once; on its own thread.
        limits: How long a client may take.

    Raises:
        ConfigurationError: It cannot listen there.
    """

    def __init__(
        self,
        form: Form,
        tokens: Tokens,
        *,
        bind: str = "127.0.0.1",
        port: int = 0,
        allow_hosts: Sequence[str] = (),
        say: Callable[[str], None] = lambda _news: None,
        limits: Limits = _LIMITS,
    ) -> None:
        self._form = form
        self._tokens = tokens
        self._say = say
        self._limits = limits
        self._said: set[str] = set()
        self._listening = listen(bind, port, allow_hosts)
        self._thread = threading.Thread(target=self._run, name="entra-tokens-endpoint", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._closing = False
        self.served: int = 0
        self.refused: int = 0

    @property
    def environ(self) -> dict[str, str]:
        """The variables that lead an unmodified client here. They hold the secret."""
        return self._form.environ(self._listening.base)

    @property
    def base(self) -> str:
        """`http://host:port`."""
        return self._listening.base

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self._listening.loopback

    def open(self) -> None:
        """Answer from now on."""
        self._thread.start()
        self._started.wait()

    def close(self) -> None:
        """Stop answering; connections that are open are dropped. Closing twice is no error."""
        self._closing = True
        loop, main = self._loop, self._main
        if loop is not None and main is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(main.cancel)
            self._thread.join(_END)
        self._listening.socket.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Endpoint {self._form.name} {self.base}>"

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        self._loop.set_exception_handler(lambda _loop, _context: None)  # a traceback would show a request
        self._started.set()
        room = asyncio.Semaphore(room_for_connections())
        ended = asyncio.Event()
        talks: set[asyncio.Task[None]] = set()

        def end(talk: asyncio.Task[None]) -> None:
            talks.discard(talk)
            room.release()
            ended.set()

        try:
            while not self._closing:  # wait_for of Python 3.11 and before can swallow a cancellation
                await room.acquire()
                try:
                    client, _ = await self._loop.sock_accept(self._listening.socket)
                except OSError as error:
                    room.release()
                    self._tell(f"connections have to wait: {error.strerror or type(error).__name__}")
                    ended.clear()
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(ended.wait(), _AGAIN)
                    continue
                talk = self._loop.create_task(self._talk(client))
                talks.add(talk)
                talk.add_done_callback(end)
        finally:
            for talk in talks:
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, client)
        except OSError:
            client.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await exchange(reader, writer, self._answer, self._refusal, self._limits)
        except OSError:  # the client is gone
            pass
        finally:
            writer.close()
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), self._limits.answer)
            transport.abort()

    async def _answer(self, head: Head) -> dict[str, str]:
        guard(head, self._listening.hosts)
        asked = self._form.read(head)
        try:
            token = await self._tokens.token(asked.resource)
        except Refused:
            raise
        except Exception as error:
            what = f"the credential failed unexpectedly ({type(error).__name__})"
            raise Refused(500, what, code="unknown", noted=what) from None
        self.served += 1
        if asked.identity is not None:
            self._tell(
                "a client asked for one identity by its id. There is one here, whoever is named: the credential that "
                "this endpoint was started with"
            )
        return self._form.answer(token, asked, SYSTEM_CLOCK.wall())

    def _refusal(self, refused: Refused) -> dict[str, object]:
        self.refused += 1
        if refused.noted is not None:
            self._tell(f"a request got no token: {refused.noted}")
        return self._form.refusal(refused)

    def _tell(self, news: str) -> None:
        if news not in self._said and len(self._said) < 100:
            self._said.add(news)
            self._say(news)
