"""The operating system's lock on a file: gone with whoever held it, however that ended."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from ..engine.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..engine.clock import Signal

__all__ = ["FileLock", "holding"]

_FIRST_LOOK, _LOOK = 0.005, 0.05  # seconds between looks at a lock that somebody holds
_FAR = 1 << 20  # where Windows locks a byte: its locks are mandatory, and the note at the start is for all to read
_NOTE_BYTES = 64


class FileLock:
    """A lock between processes, and between the holders of one process. One thread uses one object.

    The file stays when the lock is released; it says nothing. One that a killed process leaves is not locked.

    Args:
        path: The lock's file, in a folder that is ours alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take it if it is free; never waits.

        Raises:
            OSError: The file cannot be made or locked here.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        file = os.open(self._path, flags, 0o600)
        try:
            if not _locked(file) or not self._is_there(file):
                os.close(file)
                return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        _held.add(self)
        return True

    def release(self) -> None:
        file, self._file = self._file, None
        _held.discard(self)
        if file is not None:
            # Not by closing alone: a child that was forked meanwhile has the file open, too.
            with suppress(OSError):
                _unlocked(file)
            os.close(file)

    def say(self, note: str) -> None:
        """Leave those who wait a note: whole numbers and points only, since anybody may have written it."""
        if self._file is not None:
            with suppress(OSError):
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, note.encode().ljust(_NOTE_BYTES))

    def said(self) -> str:
        """The note of whoever holds it."""
        try:
            with open(self._path, "rb") as file:
                return file.read(_NOTE_BYTES).decode("ascii", "replace").strip(" \0\n")
        except OSError:
            return ""

    def _is_there(self, file: int) -> bool:
        """Whether the file that was locked is still the one that others will lock."""
        try:
            there, mine = os.stat(self._path), os.fstat(file)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def _forget(self) -> None:
        """In a forked child: the lock is the parent's, and must end with it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


@contextmanager
def holding(path: Path, *, wait: float, abandoned: Signal | None = None, needed: bool = False) -> Iterator[bool | None]:
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


def _locked(file: int) -> bool:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlocked(file: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    fcntl.flock(file, fcntl.LOCK_UN)


_held: WeakSet[FileLock] = WeakSet()


def _let_go_in_child() -> None:
    for lock in list(_held):
        lock._forget()  # noqa: SLF001 - of this module
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
