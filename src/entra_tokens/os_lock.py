"""The operating system's lock on a small file: gone with whoever held it, however that ended."""

from __future__ import annotations

import os
from contextlib import suppress
from weakref import WeakSet

__all__ = ["OsLock"]

_LARGEST = 1024  # bytes
_FAR = 1 << 20  # where Windows locks a byte: its locks are mandatory, and the text at the start is for all to read


class OsLock:
    """A lock between processes, and between the holders of one process, that is held. One thread uses one object.

    The file stays when the lock is released; it says nothing by being there.

    Args:
        file: The descriptor of the locked file.
    """

    def __init__(self, file: int) -> None:
        self._file: int | None = file
        _held.add(self)

    @classmethod
    def taken(cls, path: str | os.PathLike[str]) -> OsLock | None:
        """Take it if it is free; never waits.

        Raises:
            OSError: The file cannot be made or locked here.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        file = os.open(path, flags, 0o600)
        try:
            if _locked(file):
                return cls(file)
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        return None

    def is_of(self, path: str | os.PathLike[str]) -> bool:
        """Whether the file at this path is still the one that is locked, and so the one that others will lock."""
        if self._file is None:
            return False
        try:
            there, mine = os.stat(path), os.fstat(self._file)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def read(self) -> str:
        """The file's text. Anybody who may lock it may have written that."""
        if self._file is None:
            return ""
        os.lseek(self._file, 0, os.SEEK_SET)
        return os.read(self._file, _LARGEST).decode("ascii", "replace")

    def write(self, text: str) -> None:
        """Put another text into the file."""
        if self._file is not None:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, text.encode("ascii"))
            os.ftruncate(self._file, len(text))

    def release(self) -> None:
        """Let it go. Idempotent."""
        file, self._file = self._file, None
        _held.discard(self)
        if file is not None:
            # Not by closing alone: a child that was forked meanwhile has the file open, too.
            with suppress(OSError):
                _unlock(file)
            os.close(file)

    def _forget(self) -> None:
        """In a forked child: the lock is the parent's, and must end with it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


_held: WeakSet[OsLock] = WeakSet()


def _let_go_in_child() -> None:
    for lock in list(_held):
        lock._forget()  # noqa: SLF001 - of this module
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


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


def _unlock(file: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    fcntl.flock(file, fcntl.LOCK_UN)
