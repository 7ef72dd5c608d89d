"""IMDS throttles more than 5 requests at once or 20 a second of one machine: whoever asks waits in line before it.

All processes of this user count together, by locks on files in a folder of the user's own, which end with whoever held
them. Where there can be no such folder this process counts by itself. Whoever has waited for as long as callers have
patience is let through all the same: a process that was stopped may hold its places for ever.

https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#rate-limiting
"""

from __future__ import annotations

import os
import stat
import threading
import zlib
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ... import environment
from ...engine.clock import SYSTEM_CLOCK, Signal
from ...os_lock import OsLock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AT_ONCE", "PATIENCE", "PER_SECOND", "Gate", "gate_folder", "passing"]

# Those that started within a second and those under way when it began are the most that can arrive in it: 19 of 20.
AT_ONCE = 4
PER_SECOND = 15
# Seconds: callers wait 30 (RefreshPolicy.wait). 375 requests, such as 18 tokens for each of 20 processes, pass in them.
PATIENCE = 25.0
_LOOK = (0.01, 0.03)  # seconds between looks; random, so that nobody is always second


class Gate:
    """The line before one IMDS. Any thread may call anything.

    Args:
        folder: Where the processes of this user meet; None: nowhere. (No `pathlib`: it is a tenth of a first token.)
        name: What this line's files begin with.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, name: str) -> None:
        self._folder = folder
        self._name = name
        self._mine = threading.Semaphore(AT_ONCE)
        self._starts: deque[float] = deque(maxlen=PER_SECOND)
        self._lock = threading.Lock()

    @contextmanager
    def passing(self, patience: float) -> Iterator[float]:
        """Wait for a place, and hold it for one request; gives the seconds that were waited.

        Args:
            patience: Seconds to wait at most.
        """
        began = SYSTEM_CLOCK.boot()
        until = began + patience
        mine = self._mine.acquire(timeout=patience)
        place: OsLock | None = None
        try:
            place = self._place(until)
            self._wait_for_a_start(until)
            yield SYSTEM_CLOCK.boot() - began
        finally:
            if place is not None:
                place.release()
            if mine:
                self._mine.release()

    def _place(self, until: float) -> OsLock | None:
        """One of the machine's places; None: no files, or no time left."""
        while self._folder is not None:
            for number in range(AT_ONCE):
                try:
                    lock = OsLock.taken(os.path.join(self._folder, f"{self._name}-{number}"))
                except OSError:
                    self._folder = None
                    return None
                if lock is not None:
                    return lock
            if not _paused(until):
                return None
        return None

    def _wait_for_a_start(self, until: float) -> None:
        while (pause := self._started()) > 0 and _paused(until, pause):
            pass

    def _started(self) -> float:
        """Note a start and return 0, or the seconds until there may be one."""
        if self._folder is None:
            with self._lock:
                return _noted(self._starts)
        try:
            lock = OsLock.taken(os.path.join(self._folder, f"{self._name}-starts"))
            if lock is None:
                return SYSTEM_CLOCK.uniform(0.001, 0.003)  # held for the length of a read and a write
        except OSError:
            self._folder = None
            return self._started()
        try:
            starts = deque(_floats(lock.read()), maxlen=PER_SECOND)
            pause = _noted(starts)
            if not pause:
                lock.write(" ".join(map(repr, starts)))  # exact: a rounded one could be of the future
            return pause
        except OSError:
            self._folder = None
            return self._started()
        finally:
            lock.release()


def _noted(starts: deque[float]) -> float:
    now = SYSTEM_CLOCK.boot()
    if len(starts) == PER_SECOND and now - 1 < starts[0] <= now:
        return starts[0] + 1 - now
    starts.append(now)
    return 0.0


def _floats(text: str) -> list[float]:
    """What somebody wrote; what makes no sense (of before a restart, or half written) is no start."""
    now, found = SYSTEM_CLOCK.boot(), []
    for word in text.split():
        with suppress(ValueError):
            start = float(word)
            if now - 2 < start <= now:
                found.append(start)
    return sorted(found)


def _paused(until: float, seconds: float | None = None) -> bool:
    """Wait a little; False: the time is over."""
    left = until - SYSTEM_CLOCK.boot()
    if left <= 0:
        return False
    Signal().wait(min(left, SYSTEM_CLOCK.uniform(*_LOOK) if seconds is None else seconds))
    return True


def gate_folder() -> str | None:
    """A folder for files of this user on this machine, made if need be; None: there is none to trust."""
    if os.name == "nt":
        folder = os.path.join(environment.read("TEMP", r"C:\Windows\Temp"), "entra-tokens")
    else:
        parent = environment.read("TMPDIR", "/tmp")  # noqa: S108 - checked below
        folder = os.path.join(parent, f"entra-tokens-{os.getuid()}")
    try:
        with suppress(FileExistsError):
            os.mkdir(folder, mode=0o700)
        found = os.lstat(folder)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if os.name != "nt" and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        return None  # somebody else's: he could hold us up
    return folder


_gates: dict[str, Gate] = {}


@contextmanager
def passing(base: str, patience: float) -> Iterator[float]:
    """Wait in line before the IMDS at this address; see `Gate.passing`."""
    gate = _gates.get(base)
    if gate is None:
        # One name for each of a few: addresses of tests must not fill the folder.
        gate = _gates.setdefault(base, Gate(gate_folder(), f"imds-{zlib.crc32(base.encode()) % 32}"))
    with gate.passing(patience) as waited:
        yield waited


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_gates.clear)  # locks of the parent's threads, which nobody releases here
