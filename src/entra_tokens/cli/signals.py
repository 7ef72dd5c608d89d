"""Signals as a queue, and none is lost.

A handler that takes a lock may wait for the very thread that it interrupts; and a signal that comes between Python's
last look for signals and a wait does not end that wait. So the interpreter rings at a socket, which is waited at.
"""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from typing_extensions import Self

__all__ = ["Signals", "named"]


def named(*names: str) -> tuple[signal.Signals, ...]:
    """Those of these signals that this system has."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


class Signals:
    """Collects these signals while it is entered, on the main thread. What the process was started to ignore (`nohup`,
    a shell's background job) stays ignored.

    Args:
        wanted: Which.
    """

    def __init__(self, wanted: Iterable[signal.Signals]) -> None:
        self._wanted = tuple(wanted)
        self._before: dict[signal.Signals, Any] = {}
        # Reentrant by design: a handler may interrupt a put or a get.
        self._queue: SimpleQueue[Any] = SimpleQueue()
        # No handler takes it. Closed while another thread rings, the bell's number might be another connection's.
        self._ringing = threading.Lock()

    def __enter__(self) -> Self:
        self._heard, self._bell = socket.socketpair()
        self._bell.setblocking(False)  # what is rung already need not be rung again
        try:
            self._rung_before = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        except ValueError:  # not the main thread
            self._close()
            raise
        for one in self._wanted:
            if signal.getsignal(one) is not signal.SIG_IGN:
                self._before[one] = signal.signal(one, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(self._rung_before)
        self._close()

    def _close(self) -> None:
        with self._ringing:
            self._bell.close()
        self._heard.close()

    def put(self, thing: Any) -> None:
        """Put something else into the queue, from any thread."""
        self._queue.put(thing)
        with self._ringing, suppress(OSError):
            self._bell.send(b"\0")

    def wait(self) -> Any:
        """The next signal's number, or what another thread has put into the queue."""
        while not (came := self.within(None)):
            pass
        return came[0]

    def within(self, seconds: float | None) -> list[Any]:
        """The same within so many seconds: one thing, or nothing; nothing may also be returned before that."""
        with suppress(Empty):
            return [self._queue.get_nowait()]
        self._heard.settimeout(seconds)
        with suppress(TimeoutError, BlockingIOError):  # the latter at once: 0 seconds
            self._heard.recv(4096)
        return []  # the handler of a signal that rang runs on the way to the next call

    def _came(self, number: int, _: FrameType | None) -> None:
        self._queue.put(number)
