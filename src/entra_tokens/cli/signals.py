"""Signals as a queue: a handler that takes a lock may wait for the very thread that it interrupts."""

from __future__ import annotations

import signal
import sys
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from typing_extensions import Self

__all__ = ["Signals", "named"]


# Windows lets no signal interrupt a wait.
_LOOK = 0.5 if sys.platform == "win32" else 3600.0


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
        self.queue: SimpleQueue[Any] = SimpleQueue()

    def __enter__(self) -> Self:
        for one in self._wanted:
            if signal.getsignal(one) is not signal.SIG_IGN:
                self._before[one] = signal.signal(one, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)

    def wait(self) -> Any:
        """The next signal's number, or what another thread has put into the queue."""
        while not (came := self.within(_LOOK)):
            pass
        return came[0]

    def within(self, seconds: float) -> list[Any]:
        """The same within so many seconds: one thing, or nothing."""
        try:
            return [self.queue.get(timeout=seconds)]
        except Empty:
            return []

    def _came(self, number: int, _: FrameType | None) -> None:
        self.queue.put(number)
