"""What the groups share: a TLS stub that remembers the tokens that it was shown."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

__all__ = ["CA_FILE", "Answer", "Answers", "Stub", "as_json", "mypy", "run_sample", "sample_environ", "stub"]

ROOT = Path(__file__).parents[2]

_FOLDER = tempfile.mkdtemp(prefix="entra-tokens-consumers-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_AUTHORITY = trustme.CA()
CA_FILE = os.path.join(_FOLDER, "ca.pem")
_AUTHORITY.cert_pem.write_to_path(CA_FILE)


class Answer(NamedTuple):
    body: bytes = b""
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Answers: TypeAlias = Callable[[str, str], Answer]  # method, path


def as_json(content: Any) -> Answer:
    return Answer(json.dumps(content).encode())


class Stub(ThreadingHTTPServer):
    """Answers as it is told, and 401 with `challenge` to a token in `refused`; where `together` is set, not before that
    many have come."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.tokens: list[str | None] = []
        self.bodies: list[bytes] = []
        self.refused: set[str | None] = set()
        self.challenge = "Bearer"
        self.together: threading.Barrier | None = None
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def authority(self) -> str:
        return f"localhost:{self.server_port}"

    @property
    def url(self) -> str:
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://{self.authority}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def _answer(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
        shown = self.headers["Authorization"]
        token = None if shown is None else shown.removeprefix("Bearer ")
        self.server.tokens.append(token)
        if token in self.server.refused:
            if self.server.together is not None:
                self.server.together.wait(10)
            answer = Answer(b'{"error": {}}', status=401, headers=(("WWW-Authenticate", self.server.challenge),))
        else:
            answer = self.server.answers(self.command, self.path)
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Type", answer.content_type)):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _answer

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def stub(answers: Answers, *, tls: bool = True) -> Iterator[Stub]:
    with Stub(answers) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            _AUTHORITY.issue_cert("localhost").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def mypy(*files: Path) -> str:
    """What mypy --strict has to say of a user's code in this environment; empty: nothing."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml")),
            *("--cache-dir", str(Path(sys.prefix) / "mypy"), "--follow-imports", "silent"),
            *("--python-version", ".".join(map(str, sys.version_info[:2])), *map(str, files)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},  # noqa: TID251 - a process's own
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def sample_environ(emulator: Emulator, place: str = "client_secret") -> dict[str, str]:
    """What a sample sees where it believes to be in that place, and may reach the stubs, too."""
    both = Path(_FOLDER) / "both.pem"
    both.write_text(Path(CA_FILE).read_text() + Path(emulator.ca_file).read_text())
    return {
        **os.environ,  # noqa: TID251 - a process's own
        **emulator.environ(place),
        "SSL_CERT_FILE": str(both),
        "REQUESTS_CA_BUNDLE": str(both),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "samples"))),
    }


def run_sample(name: str, environ: dict[str, str]) -> str:
    """What it prints, as a process of its own."""
    command = [sys.executable, str(ROOT / "samples" / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ, cwd=_FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
