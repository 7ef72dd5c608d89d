"""A resource that takes some tokens and refuses others, and remembers what it was shown."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CLAIMS", "Seen", "Service", "service"]

CLAIMS = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1700000000"}}})


class Seen(NamedTuple):
    method: str
    path: str
    token: str | None
    body: bytes


class Service(ThreadingHTTPServer):
    """`/` answers what it was sent; `/to/N` redirects with status N to `location`; every path refuses tokens that are
    in `refused`, except `/to/`, and `/early` before it has read the body."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.refused: set[str | None] = set()
        self.challenge = "Bearer"
        self.location = ""
        self.together = threading.Barrier(1)
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}"

    @property
    def tokens(self) -> list[str | None]:
        return [each.token for each in self.seen]

    def ask_for_claims(self) -> None:
        claims = base64.b64encode(CLAIMS.encode()).decode()
        self.challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def _answer(self) -> None:
        shown = self.headers["Authorization"]
        token = None if shown is None else shown.removeprefix("Bearer ")
        early = self.path == "/early" and token in self.server.refused
        body = b"" if early else self._body()
        self.server.seen.append(Seen(self.command, self.path, token, body))
        status = int(self.path.removeprefix("/to/")) if self.path.startswith("/to/") else 200
        if status == 200 and token in self.server.refused:
            status = 401
            if self.path == "/together":
                self.server.together.wait(30)
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="another"')
            self.send_header("WWW-Authenticate", self.server.challenge)
        if 300 <= status < 400:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if early:
            self.wfile.flush()
            with suppress(OSError):
                self._body()
            self.close_connection = True

    do_GET = do_POST = do_PUT = _answer

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
