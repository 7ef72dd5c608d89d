"""A scriptable token service on a real TLS socket, and a scriptable metadata service on a plain one."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CA = trustme.CA()
_CERT = CA.issue_cert("localhost", "127.0.0.1")


@dataclass
class Arrived:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Reply:
    """What the service answers: a JSON object, bytes, or something done to the bare handler."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    act: Callable[[BaseHTTPRequestHandler], None] | None = None


def granted(value: str = "access-token", **more: Any) -> Reply:
    return Reply(body={"token_type": "Bearer", "expires_in": 3600, "access_token": value, **more})


_HUGE = b" " * (1 << 20) + b'{"access_token": "t", "expires_in": 9}'
UNUSABLE = {
    "500": Reply(500, b"<html>"),
    "503 JSON": Reply(503, {"error": "temporarily_unavailable"}, {"Retry-After": "7"}),
    "429 text": Reply(429, b"Too Many Requests", {"Retry-After": "20"}),
    "HTML": Reply(200, b"<html>sign in</html>"),
    "bad JSON": Reply(200, b'{"access_token": "x'),
    "a list": Reply(200, b"[]"),
    "empty": Reply(200, b""),
    "no token": Reply(200, {}),
    "huge": Reply(200, _HUGE),
    "deep": Reply(200, b"[" * 100_000),
    "redirect": Reply(307, b"", {"Location": "http://127.0.0.1:9/steal"}),
    "expired": granted(expires_in=0),
    "long expired": granted(expires_in=-3600),
    "endless": granted(expires_in=None),
    "two lines": granted("a\r\nX: y"),
    "not ASCII": granted("tokén"),
    "other kind": granted(token_type="pop"),
}


class Service:
    """Answers from a script; the last reply of a path is repeated for ever."""

    def __init__(self, *, tls: bool, certificate: trustme.LeafCert = _CERT) -> None:
        self.requests: list[Arrived] = []
        self.script: dict[str, list[Reply]] = {}
        self.released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: object) -> None:
                pass

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                service.requests.append(
                    Arrived(
                        self.command,
                        parts.path,
                        dict(parse_qsl(parts.query)),
                        {k.lower(): v for k, v in self.headers.items()},
                        dict(parse_qsl(body)),
                    )
                )
                service._answer(self, parts.path)

            do_GET = do_POST = _serve

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.handle_error = lambda *args: None  # type: ignore[method-assign]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.server.server_address[1]
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        if tls:
            self.on("openid-configuration", Reply(body=self.discovery()))

    def discovery(self, token_endpoint: str | None = None) -> dict[str, str]:
        base = f"{self.url}/tenant/oauth2/v2.0"
        return {
            "issuer": f"{self.url}/tenant/v2.0",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": token_endpoint or f"{base}/token",
            "device_authorization_endpoint": f"{base}/devicecode",
        }

    def on(self, path_end: str, *replies: Reply) -> None:
        self.script[path_end] = list(replies)

    def seen(self, path_end: str) -> list[Arrived]:
        return [arrived for arrived in self.requests if arrived.path.endswith(path_end)]

    def _answer(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        replies = next((replies for end, replies in self.script.items() if path.endswith(end)), [Reply(404, {})])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply.act is not None:
            handler.close_connection = True
            reply.act(handler)
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    # What networks do.

    def reset(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.close()

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        self.released.wait(30)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """A byte now and then, for ever."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.released.wait(0.05):
            handler.wfile.write(b"a")


@contextmanager
def running(*, tls: bool, certificate: trustme.LeafCert = _CERT) -> Iterator[Service]:
    service = Service(tls=tls, certificate=certificate)
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.released.set()
        service.server.shutdown()
        service.server.server_close()
        thread.join()


def ca_file(folder: Path) -> str:
    path = folder / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return str(path)
