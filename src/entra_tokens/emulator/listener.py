"""One listening socket and its connections, served by uvicorn's protocols on the emulator's event loop.

uvicorn's own `Server` owns signals and a main loop; here the sockets are handled directly, because a listener must be
able to refuse connections for a while (its socket really closed) and to end at once whatever its clients do.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState

from .corked import Corked
from .misbehave import cut

if TYPE_CHECKING:
    import ssl

    from starlette.types import ASGIApp

    from .shortcut import Later

__all__ = ["LOOPBACK", "Listener"]

LOOPBACK = "127.0.0.1"
_BACKLOG = 2048
_AGAIN = 0.01  # seconds until another try, where the system refused to accept a connection
_IDLE = {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}
_numbers = itertools.count(1)  # of connections; only ever drawn on an event loop
Shortcut = Callable[[bytes], "bytes | Later | None"]


class _Protocol(H11Protocol):
    """Hands the transport to the application, as `scope["state"]["transport"]`, so that a fault can cut it, and the
    connection's number as `scope["state"]["connection"]`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
        self.shortcut: Shortcut | None = None
        self._is_answering = False
        self._held = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport, "connection": next(_numbers)}
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # it stands for one

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            self._held += data
            return
        if self.shortcut is not None and self.conn.states == _IDLE and not self.conn.trailing_data[0]:
            answer = self.shortcut(data)
            if answer is not None:
                self._unset_keepalive_if_required()
                if isinstance(answer, bytes):
                    self.transport.write(answer)
                else:
                    self._is_answering = True
                    answer.when_whole(self._answered)
                return
        super().data_received(data)

    def _answered(self, answer: bytes) -> None:
        self._is_answering = False
        if self.transport.is_closing():
            return
        self.transport.write(answer)
        held, self._held = self._held, b""
        if held:
            self.data_received(held)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.transport.close()  # Python 3.10 takes a TLS transport that was reset for one that was forgotten


class _WebSocket(WSProtocol):
    """Likewise."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.transport.close()


class Listener:
    """A port, known from the start. All but the constructor, `port` and `url` belongs to the event loop.

    Accepted sockets are kept sight of until they are closed: a transport whose TLS handshake or farewell is under way
    belongs to no protocol that could be asked to end it.

    Args:
        port: 0: any that is free.
        bind: The IPv4 address of this machine to listen on.
        tls: None: plain HTTP.
        websockets: Whether connections may be upgraded.
    """

    def __init__(
        self, port: int = 0, *, bind: str = LOOPBACK, tls: ssl.SSLContext | None = None, websockets: bool = False
    ) -> None:
        self._bind = bind
        self._tls = tls
        self._websockets = websockets
        self._socket: socket.socket | None = _bound(bind, port)
        self.port: int = self._socket.getsockname()[1]
        self._state = ServerState()
        self._config: Config | None = None
        self._shortcut: Shortcut | None = None
        self._refusing = 0
        self._accepting = False
        self._connecting: set[asyncio.Task[None]] = set()
        self._accepted: WeakSet[socket.socket] = WeakSet()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def serve(self, app: ASGIApp, shortcut: Shortcut | None = None) -> None:
        """Begin to accept connections.

        Args:
            shortcut: Is given what arrives on a connection where no request is under way, and answers it whole and at
                once; or returns None, and `app` gets it.
        """
        self._shortcut = shortcut
        self._config = Config(
            app,
            http=_Protocol,
            ws=_WebSocket if self._websockets else "none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=60,
            ws_ping_interval=None,
        )
        self._config.load()
        self._listen()

    def refuse(self) -> None:
        """Close the socket, and drop every connection, until `accept` has been called as often."""
        self._refusing += 1
        if self._accepting:
            self._silence()
            # Bound but not listening: connections are refused, and the port stays ours.
            self._socket = _bound(self._bind, self.port)
        self.drop()

    def accept(self) -> None:
        self._refusing = max(self._refusing - 1, 0)
        if not self._refusing and self._socket is not None and not self._accepting:
            self._listen()

    def drop(self) -> None:
        """Reset every open connection."""
        for connection in list(self._state.connections):
            if connection.transport is not None:
                cut(connection.transport)

    async def close(self) -> None:
        """End the listener, whatever its clients do; returns when its sockets are closed. Idempotent."""
        self._silence()
        self.drop()
        for accepted in list(self._accepted):
            with contextlib.suppress(OSError):
                accepted.shutdown(socket.SHUT_RDWR)
        for _ in range(1000):
            if not (self._state.tasks or self._connecting or any(each.fileno() >= 0 for each in self._accepted)):
                break
            await asyncio.sleep(0)

    def _silence(self) -> None:
        self._accepting = False
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _listen(self) -> None:
        if self._config is None or self._socket is None:
            raise RuntimeError("the listener has not been given anything to serve")
        self._socket.listen(_BACKLOG)  # from here on nobody is refused
        self._accepting = True
        self._look_at(self._socket)

    def _look_at(self, listening: socket.socket) -> None:
        # Not `sock_accept` in a task: cancelled while somebody connects it loses the connection or complains of it, and
        # while many connect it lets nothing else run.
        if listening is self._socket:
            asyncio.get_running_loop().add_reader(listening, self._accept_one, listening)

    def _accept_one(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            accepted, _ = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client has left
            return
        except OSError:  # the process is out of descriptors for the moment
            loop.remove_reader(listening)
            loop.call_later(_AGAIN, self._look_at, listening)
            return
        accepted.setblocking(False)
        self._accepted.add(accepted)
        task = loop.create_task(self._connected(accepted))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connected(self, accepted: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, accepted, ssl=self._tls)
        except OSError:  # the client left in the handshake, or distrusts the certificate
            accepted.close()

    def _protocol(self) -> asyncio.Protocol:
        made = _Protocol(config=self._config, server_state=self._state, app_state={})
        made.shortcut = self._shortcut
        return made


def _bound(address: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it every answer took 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
