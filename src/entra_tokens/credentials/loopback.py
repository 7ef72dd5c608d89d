"""Waits on loopback for the browser to bring an authorization code (RFC 8252 §7.3)."""

from __future__ import annotations

import queue
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Loopback"]

_IDLE = 5.0  # seconds that a browser's connection may say nothing: it opens some ahead
_LARGEST = 1 << 16  # bytes; a code has one or two thousand
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>%s</title>
<body style="font:16px system-ui;margin:4em auto;max-width:32em"><h1>%s</h1><p>You can close this window."""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Connection": "close",
}


class Loopback:
    """Listens on a free port of 127.0.0.1 while it is entered, and takes the one answer that has the right state."""

    def __init__(self) -> None:
        self.state: str = ""
        self._answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="entra-tokens redirect", daemon=True
        )

    @property
    def redirect_uri(self) -> str:
        """As Entra wants it of native applications: any port of `localhost`."""
        return f"http://localhost:{self._server.server_port}"

    def answer(self, seconds: float) -> dict[str, str] | None:
        """The fields of the answer, if it comes within this time."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def take(self, path: str, form: str | None) -> bool | None:
        """Take what a request brings; None: it is no answer of ours, else whether somebody signed in."""
        parts = urlsplit(path)
        fields = dict(parse_qsl(parts.query if form is None else form))
        # A page of somebody else's can reach this port too, but it does not know the state.
        if parts.path != "/" or not self.state or not secrets.compare_digest(fields.get("state", ""), self.state):
            return None
        if "code" not in fields and "error" not in fields:
            return None
        self.state = ""
        self._answers.put(fields)
        return "code" in fields

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __repr__(self) -> str:
        return "<loopback>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser's idle connection must not hold us up
    loopback: Loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is not news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] # only that server makes one

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or ""
        if not length.isascii() or not length.isdigit() or int(length) > _LARGEST:
            self.send_error(400)
            return
        self._answer(self.rfile.read(int(length)).decode("latin-1"))

    def do_GET(self) -> None:
        self._answer(None)

    def _answer(self, form: str | None) -> None:
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        # Another name that points to 127.0.0.1 would make this port a foreign page's own.
        good = self.server.loopback.take(self.path, form) if host in ("localhost", "127.0.0.1") else None
        if good is None:
            self.send_error(404)
            return
        words = b"You are signed in." if good else b"You are not signed in."
        body = _PAGE % (words, words)
        self.send_response(200)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] # called by position
        """The path holds the code."""
