"""Locks that are waited for: between processes, around each acquisition and each write."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..engine.clock import SYSTEM_CLOCK
from ..os_lock import OsLock

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from ..engine.clock import Signal

__all__ = ["FileLock", "holding"]

_FIRST_LOOK, _LOOK = 0.005, 0.05  # seconds between looks at a lock that somebody holds
_NOTE_BYTES = 64


class FileLock:
    """A lock that is taken and let go many times, and the note of whoever holds it. One thread uses one object.

    The file stays when the lock is released; it says nothing. One that a killed process leaves is not locked.

    Args:
        path: The lock's file, in a folder that is ours alone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._held: OsLock | None = None

    def acquire(self) -> bool:
        """Take it if it is free; never waits.

        Raises:
            OSError: The file cannot be made or locked here.
        """
        lock = OsLock.taken(self._path)
        if lock is not None and not lock.is_of(self._path):
            lock.release()
            return False
        self._held = lock or self._held
        return lock is not None

    def release(self) -> None:
        lock, self._held = self._held, None
        if lock is not None:
            lock.release()

    def say(self, note: str) -> None:
        """Leave those who wait a note: whole numbers and points only, since anybody may have written it."""
        if self._held is not None:
            with suppress(OSError):
                self._held.write(note.ljust(_NOTE_BYTES))

    def said(self) -> str:
        """The note of whoever holds it."""
        try:
            with open(self._path, "rb") as file:
                return file.read(_NOTE_BYTES).decode("ascii", "replace").strip(" \0\n")
        except OSError:
            return ""


@contextmanager
def holding(
    path: str | os.PathLike[str], *, wait: float, abandoned: Signal | None = None, needed: bool = False
) -> Iterator[bool | None]:
    """Wait for a lock and hold it; False: not in time, or nobody waits any more; None: no locks can be had here.

    Args:
        path: The lock's file.
        wait: Seconds of patience; machine time, whatever a test's clock says.
        abandoned: Ends the wait when it is set.
        needed: Whether it is an error where files cannot be locked.

    Raises:
        OSError: It is needed and cannot be had here.
    """
    from ..engine.clock import Signal

    lock, wake = FileLock(path), abandoned or Signal()
    until, pause = SYSTEM_CLOCK.boot() + wait, _FIRST_LOOK
    have: bool | None = False
    try:
        while not (have := lock.acquire()):
            left = until - SYSTEM_CLOCK.boot()
            if left <= 0 or wake.wait(min(pause, left)):
                break
            pause = min(2 * pause, _LOOK)
    except OSError:  # a folder or a file system without locks
        if needed:
            raise
        have = None
    try:
        yield have
    finally:
        lock.release()
