"""The front's open chat sockets, and what closes them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import EmulatorClock

__all__ = ["FrontSocket", "FrontSockets"]

GOING_AWAY = 1001  # RFC 6455 section 7.4.1
POLICY_VIOLATION = 1008  # likewise


class FrontSocket:
    """One open chat socket; it belongs to the event loop. `closing` is set to the code and reason to close it with."""

    def __init__(self, clock: EmulatorClock, expires_on: float, expires: Callable[[], bool]) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.closing: asyncio.Future[tuple[int, str]] = self.loop.create_future()
        self._clock = clock
        self._expires_on = expires_on
        self._expires = expires
        self._timer: asyncio.TimerHandle | None = None
        self.look()

    def look(self) -> None:
        """Close it if its token has expired and the switch says so; else look again when it expires."""
        self.ended()
        left = self._expires_on - self._clock.now()
        if left > 0:
            self._timer = self.loop.call_later(left, self.look)
        elif self._expires():
            self.close(POLICY_VIOLATION, "the token has expired")

    def close(self, code: int, reason: str) -> None:
        if not self.closing.done():
            self.closing.set_result((code, reason))

    def ended(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class FrontSockets:
    """Every open one. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[FrontSocket] = set()

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)

    def add(self, opened: FrontSocket) -> None:
        with self._lock:
            self._open.add(opened)

    def discard(self, ended: FrontSocket) -> None:
        ended.ended()
        with self._lock:
            self._open.discard(ended)

    def look(self) -> None:
        """Close those whose token has expired, if the switch says so: time has moved."""
        self._each(lambda opened: opened.look())

    def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Close every one as a server does that goes away; queries in flight are not answered."""
        self._each(lambda opened: opened.close(code, reason))

    def _each(self, act: Callable[[FrontSocket], None]) -> None:
        with self._lock:
            opened = list(self._open)
        for each in opened:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                each.loop.call_soon_threadsafe(act, each)
