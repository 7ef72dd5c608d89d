"""One listening socket and its connections, served by uvicorn's protocols on the emulator's event loop.

uvicorn's own `Server` owns signals and a main loop; here the sockets are handled directly, because a listener must be
able to refuse connections for a while (its socket really closed) and to end at once whatever its clients do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .misbehave import cut

if TYPE_CHECKING:
    import ssl

    from starlette.types import ASGIApp

__all__ = ["Listener"]

_BACKLOG = 2048


class _Protocol(H11Protocol):
    """Hands the transport to the application, as `scope["state"]["transport"]`, so that a fault can cut it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Listener:
    """A loopback port. Coroutines and `close_now` run on the event loop; the port is known from the start.

    Args:
        port: 0: any that is free.
        tls: None: plain HTTP.
        websockets: Whether connections may be upgraded.
    """

    def __init__(self, port: int = 0, *, tls: ssl.SSLContext | None = None, websockets: bool = False) -> None:
        self._tls = tls
        self._websockets = websockets
        self._socket: socket.socket | None = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._config: Config | None = None
        self._refusing = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    async def serve(self, app: ASGIApp) -> None:
        self._config = Config(
            app,
            http=_Protocol,
            ws="wsproto" if self._websockets else "none",
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
        await self._listen()

    async def refuse(self) -> None:
        """Close the socket, and drop every connection, until `accept` has been called as often."""
        self._refusing += 1
        if self._server is not None:
            self._server.close()
            self._server = None
            # Bound but not listening: connections are refused, and the port stays ours.
            self._socket = _bound(self.port)
        self.drop()

    async def accept(self) -> None:
        self._refusing = max(self._refusing - 1, 0)
        if not self._refusing and self._server is None:
            await self._listen()

    def drop(self) -> None:
        """Reset every open connection."""
        for connection in list(self._state.connections):
            if connection.transport is not None:
                cut(connection.transport)

    async def close(self) -> None:
        """End the listener and wait a moment for its requests to notice. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        elif self._socket is not None:
            self._socket.close()
        self._socket = None
        self.drop()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=1)

    def abandon(self) -> None:
        """Give back the port of a listener that never served."""
        if self._socket is not None and self._server is None:
            self._socket.close()
            self._socket = None

    async def _listen(self) -> None:
        config = self._config
        if config is None or self._socket is None:
            raise RuntimeError("the listener has not been given anything to serve")

        def protocol() -> asyncio.Protocol:
            return _Protocol(config=config, server_state=self._state, app_state={})

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(protocol, sock=self._socket, ssl=self._tls, backlog=_BACKLOG)


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
    except BaseException:
        listening.close()
        raise
    return listening
