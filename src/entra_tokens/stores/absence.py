"""A note that there is no keyring here: looking for one takes 100 ms and more, which a command would pay each time."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from .. import environment
from ..engine.clock import SYSTEM_CLOCK
from .folder import NotTrusted, read_private, write_private

__all__ = ["Absence"]

_BELIEVED = 3600.0  # seconds: somebody may install one
# What decides which keyrings can be reached from this process.
_VARIABLES = (
    "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "PYTHON_KEYRING_BACKEND", "WAYLAND_DISPLAY",
    "XDG_CURRENT_DESKTOP", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip


class Absence:
    """That processes in the same surroundings found no keyring, for an hour. It never hides one that failed or hung.

    Args:
        file: Where it is noted.
    """

    def __init__(self, file: str) -> None:
        self._file = file

    def is_known(self) -> bool:
        """Whether there is no point in looking."""
        try:
            noted, when = read_private(self._file), os.stat(self._file).st_mtime
        except (OSError, NotTrusted):
            return False
        return noted == _surroundings() and 0 <= SYSTEM_CLOCK.wall() - when < _BELIEVED

    def note(self) -> None:
        """Note it; where that cannot be done, the next process looks again."""
        with suppress(OSError):
            write_private(self._file, _surroundings(), os.path.dirname(self._file))


def _surroundings() -> bytes:
    values = [sys.prefix, *(environment.read(name) for name in _VARIABLES)]
    return "\n".join(values).encode(errors="surrogateescape")
