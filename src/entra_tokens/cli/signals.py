"""Signals as a queue: a handler that takes a lock may wait for the very thread that it interrupts."""

from __future__ import annotations

import signal
from queue import SimpleQueue
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
        self.queue: SimpleQueue[int | None] = SimpleQueue()

    def __enter__(self) -> Self:
        for one in self._wanted:
            if signal.getsignal(one) is not signal.SIG_IGN:
                self._before[one] = signal.signal(one, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)

    def wait(self) -> int | None:
        """The next signal, or what another thread has put into the queue."""
        return self.queue.get()

    def _came(self, number: int, _: FrameType | None) -> None:
        self.queue.put(number)
