"""A folder of small files that are ours alone: made so, checked at each reading, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from ..engine.clock import SYSTEM_CLOCK
from ..errors import StoreError
from .lock import holding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Folder", "NotTrusted", "go_on", "is_nowhere", "read_private", "write_private"]

MOST_BYTES = 1 << 20  # of one file: the longest tokens have some 100 KB
MOST_ASIDE = 20  # files that are kept for a look at what went wrong
SWEEP_EVERY = 86400.0  # seconds
_LEFT_OVER = 3600.0  # seconds after which a temporary file is nobody's any more
_OWNED = hasattr(os, "geteuid")  # elsewhere access lists protect a user's folders, and there are no modes


class NotTrusted(Exception):
    """The file is not a private one of ours: a link, another's, open to others, or too long."""


def go_on(step: str) -> None:
    """What is done between the steps of a write: nothing; the tests die here."""


class Folder:
    """Private files by name. Any thread and any process may call anything.

    Args:
        path: The folder.
        step: Called after each step of a write.
    """

    def __init__(self, path: str, step: Callable[[str], None] = go_on) -> None:
        self.path = path
        self._step = step

    def at(self, name: str) -> str:
        """Where the file of that name is; `/` in a name stands between folders on every system."""
        return os.path.join(self.path, *name.split("/"))

    def prepare(self, *parts: str) -> None:
        """Make the folder and its parts, for us alone.

        Raises:
            StoreError: It cannot be made, or is not ours.
        """
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            for each in (self.path, *map(self.at, (*parts, "tmp", "aside"))):
                with suppress(FileExistsError):
                    os.mkdir(each, 0o700)
                _make_private(each)
            self._sweep()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be used: {error.strerror or type(error).__name__}.") from None

    def read(self, name: str) -> bytes | None:
        """A file's content; None: there is no such file, or it cannot be read at this moment.

        Raises:
            NotTrusted: It is not a private file of ours.
        """
        try:
            return read_private(self.at(name))
        except OSError:
            with suppress(OSError):
                found = os.lstat(self.at(name))
                if not stat.S_ISREG(found.st_mode) or not _is_private(found):
                    raise NotTrusted from None
            return None

    def write(self, name: str, content: bytes, until: float | None = None) -> None:
        """Replace a file: whatever happens, the old content or the new one is there, whole.

        Args:
            name: Its name.
            content: What it is to hold.
            until: Epoch second after which `sweep()` may remove it; the file's time, so that it need not be read.

        Raises:
            OSError: The disk is full, the folder is gone or cannot be written.
        """
        write_private(self.at(name), content, self.at("tmp"), self._step, until)

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self.at(name))
            _sync_folder(os.path.dirname(self.at(name)))

    def names(self, part: str) -> Iterator[str]:
        """The files in one part of the folder."""
        try:
            with os.scandir(self.at(part)) as found:
                for each in found:
                    yield f"{part}/{each.name}"
        except OSError:
            return

    def set_aside(self, name: str) -> None:
        """Put a file that cannot be used out of the way, for a look; the oldest of many go.

        Only while holding whatever keeps others from replacing it with a good one.
        """
        with suppress(OSError):
            os.replace(self.at(name), self.at(f"aside/{os.path.basename(name)}.{os.urandom(4).hex()}"))
            kept = [self.at(f"aside/{each}") for each in os.listdir(self.at("aside"))]
            kept.sort(key=lambda path: os.lstat(path).st_ctime)
            for path in kept[:-MOST_ASIDE]:
                os.unlink(path)

    def is_there(self, part: str) -> bool:
        return os.path.isdir(self.at(part))

    def sweep(self, part: str, locks: str, begin: str, now: float) -> None:
        """Once a day, remove files of that beginning whose time is over, and their locks."""
        swept = self.at("swept")
        with suppress(OSError):
            try:
                if abs(now - os.stat(swept).st_mtime) < SWEEP_EVERY:
                    return
            except FileNotFoundError:
                os.close(os.open(swept, os.O_CREAT | os.O_WRONLY | _flag("O_NOFOLLOW"), 0o600))
            os.utime(swept, (now, now))
            for name in list(self.names(part)):
                base = os.path.basename(name)
                lock = self.at(f"{locks}/{base}")
                if base.startswith(begin) and self._is_over(name, now):
                    with holding(lock, wait=0) as have:
                        if have and self._is_over(name, now):  # nobody has renewed it at this moment
                            os.unlink(self.at(name))
                            os.unlink(lock)

    def _is_over(self, name: str, now: float) -> bool:
        return os.lstat(self.at(name)).st_mtime + _LEFT_OVER < now

    def _sweep(self) -> None:
        """Remove what killed processes left half written."""
        before = SYSTEM_CLOCK.wall() - _LEFT_OVER
        for name in self.names("tmp"):
            with suppress(OSError):
                if os.lstat(self.at(name)).st_mtime < before:
                    os.unlink(self.at(name))


def is_nowhere(path: str) -> bool:
    """Whether there is nothing of that name; False also where that cannot be seen."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def read_private(path: str) -> bytes:
    """The content of a private file of ours.

    Raises:
        NotTrusted: It is another's, open to others, a link, or too long.
        OSError: It cannot be read.
    """
    # O_NONBLOCK: opening a pipe that somebody put there would wait for ever.
    flags = os.O_RDONLY | _flag("O_CLOEXEC") | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_BINARY")
    file = os.open(path, flags)
    try:
        found = os.fstat(file)
        # A file without a name was replaced or removed since it was opened: it is what was there a moment ago.
        if not _is_private(found) or not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise NotTrusted
        content = b""
        while len(content) <= MOST_BYTES and (more := os.read(file, MOST_BYTES + 1)):
            content += more
    finally:
        os.close(file)
    if len(content) > MOST_BYTES:
        raise NotTrusted
    return content


def write_private(
    path: str, content: bytes, tmp: str, step: Callable[[str], None] = go_on, time: float | None = None
) -> None:
    """Replace a file by way of a temporary one in `tmp`, on the same disk; its time is the present or another one.

    Raises:
        OSError: It could not be done; the file is as it was.
    """
    temporary = os.path.join(tmp, f"{os.path.basename(path)}.{os.urandom(12).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flag("O_CLOEXEC") | _flag("O_NOFOLLOW") | _flag("O_BINARY")
    file = os.open(temporary, flags, 0o600)
    try:
        try:
            step("made")
            if hasattr(os, "fchmod"):
                os.fchmod(file, 0o600)  # whatever the umask
            view = memoryview(content)
            while view:
                view = view[os.write(file, view[: len(content) // 2 + 1]) :]  # in two, so that a test can end between
                step("written a part")
            os.fsync(file)
            step("synced")
        finally:
            os.close(file)
        if time is not None:
            os.utime(temporary, (time, time))
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    step("renamed")
    _sync_folder(os.path.dirname(path))
    step("folder synced")


def _make_private(folder: str) -> None:
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"{folder} is not a folder (a link to one will not do): it is left alone.")
    if _OWNED and found.st_uid != os.geteuid():
        raise StoreError(f"{folder} belongs to another user: it is left alone.")
    if _OWNED and found.st_mode & 0o777 != 0o700:
        os.chmod(folder, 0o700)


def _is_private(found: os.stat_result) -> bool:
    return not _OWNED or (found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077)


def _sync_folder(folder: str) -> None:
    if not _OWNED:
        return  # Windows syncs no folders
    file = os.open(folder, os.O_RDONLY | _flag("O_CLOEXEC"))
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _flag(name: str) -> int:
    found: int = getattr(os, name, 0)
    return found
