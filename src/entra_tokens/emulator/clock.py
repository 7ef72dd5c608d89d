"""The emulator's own time: the machine's, some seconds ahead."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from entra_tokens.engine.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EmulatorClock"]


class EmulatorClock:
    """Epoch seconds that can be moved forward. Any thread may call anything."""

    def __init__(self, wall: Callable[[], float] = SYSTEM_CLOCK.wall) -> None:
        self._wall = wall
        self._ahead = 0.0
        self._watching: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._wall() + self._ahead

    def when_moved(self, callback: Callable[[], None]) -> None:
        """Call this, on the thread that moves the clock, each time it has been moved."""
        self._watching.append(callback)

    def advance(self, seconds: float) -> None:
        """Let this much time pass.

        Raises:
            ValueError: `seconds` is negative; tokens that were refused would come to life again.
        """
        if seconds < 0:
            raise ValueError("time only moves forward")
        with self._lock:
            self._ahead += seconds
        for callback in self._watching:
            callback()
