"""The only reader of time and randomness."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SYSTEM_CLOCK", "Clock", "ShiftedClock", "Signal", "SystemClock"]

_DRAWS = 1 << 56  # what seven bytes can say: more than a float tells apart


class Signal:
    """A one-way flag that a sleeper can be woken by: `threading.Event` plus callbacks, so that a manual clock can wait
    for it and for its own time at once. Any thread may call anything."""

    __slots__ = ("_callbacks", "_event", "_lock")

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._event.wait(seconds)

    def call_when_set(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)


class Clock(Protocol):
    """Two readings of time, since neither alone can be trusted, and a source of randomness.

    `wall` is epoch seconds, and jumps when somebody sets the clock. `boot` counts seconds since some start, suspend
    included, and never jumps.
    """

    @property
    def wall(self) -> Callable[[], float]: ...

    @property
    def boot(self) -> Callable[[], float]: ...

    def uniform(self, low: float, high: float) -> float:
        """A random number between the two."""
        ...

    def sleep(self, seconds: float, wake: Signal) -> bool:
        """Sleep on this clock's time until it is over or the signal is set; True if it was set."""
        ...


def _boot_reader() -> Callable[[], float]:
    # CLOCK_MONOTONIC stops in suspend on Linux, so that a laptop would serve an expired token after waking. Elsewhere
    # monotonic() is the nearest there is, and the wall clock covers what it misses.
    clock_id = getattr(time, "CLOCK_BOOTTIME", None)
    if clock_id is None:
        return time.monotonic  # noqa: TID251 - the one place
    from functools import partial

    return partial(time.clock_gettime, clock_id)


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self.wall: Callable[[], float] = time.time  # noqa: TID251 - the one place
        self.boot: Callable[[], float] = _boot_reader()

    def uniform(self, low: float, high: float) -> float:
        # The system's numbers: a forked child draws others than its parent, and `random` takes 2 ms to import.
        return low + (high - low) * (int.from_bytes(os.urandom(7), "big") / _DRAWS)

    def sleep(self, seconds: float, wake: Signal) -> bool:
        return wake.wait(max(seconds, 0.0))


SYSTEM_CLOCK = SystemClock()


class ShiftedClock:
    """Another clock, some seconds ahead: how an emulator lets an hour pass. Sleeps are not shortened."""

    def __init__(self, base: Clock, seconds: float) -> None:
        while isinstance(base, ShiftedClock):  # one step away from the machine's, however often it is shifted
            seconds += base.seconds
            base = base.base
        self.base: Clock = base
        self.seconds: float = seconds
        base_wall, base_boot = base.wall, base.boot
        self.wall: Callable[[], float] = lambda: base_wall() + seconds
        self.boot: Callable[[], float] = lambda: base_boot() + seconds
        self.uniform: Callable[..., float] = base.uniform
        self.sleep: Callable[..., bool] = base.sleep
