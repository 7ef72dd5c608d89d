"""A stranger: listens on loopback and writes down every byte that it is sent."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Stranger"]


class Stranger:
    """A port that answers every request with the same bytes, and keeps what came."""

    def __init__(
        self, answer: bytes = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ) -> None:
        self.heard: list[bytes] = []
        stranger = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(5)
                heard = b""
                try:
                    while not heard.endswith(b"\r\n\r\n"):
                        piece = self.request.recv(65536)
                        if not piece:
                            break
                        heard += piece
                finally:
                    stranger.heard.append(heard)
                self.request.sendall(answer)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """Callers that leave are their own business."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def host(self) -> str:
        """`localhost:PORT`"""
        return f"localhost:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
