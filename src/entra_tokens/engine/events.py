"""Telling whoever wants to hear of a cell's events."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from .status import TokenEvent

__all__ = ["Listener", "Listeners"]

MOST_NOTED = 1000  # while a callback does not come back


class Listener(Protocol):
    """Holds a callback; is heard for as long as it lives."""

    @property
    def on_event(self) -> Callable[[TokenEvent], None] | None: ...


class Listeners:
    """The listeners of one cell. Any thread may call anything.

    News is noted where it happens, which may be a caller's thread or its event loop, and told by the next flight after
    it has landed: what a callback does, or how long it takes, is no business of whoever waits for a token.
    """

    __slots__ = ("_listeners", "_lock", "_noted", "_telling")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # None until somebody listens: one for each of 100,000 users would be a third of what is held for them.
        self._listeners: WeakSet[Listener] | None = None
        self._noted: deque[TokenEvent] | None = None
        self._telling = False

    def add(self, listener: Listener) -> None:
        with self._lock:
            if self._listeners is None:
                self._listeners, self._noted = WeakSet(), deque(maxlen=MOST_NOTED)
            self._listeners.add(listener)

    def note(self, make: Callable[[], TokenEvent]) -> None:
        """Make the event if anybody listens, and keep it until it is told."""
        with self._lock:
            if self._listeners and self._noted is not None:
                self._noted.append(make())

    def tell(self) -> None:
        """Call every callback once for each event noted, in their order; what one raises goes no further.

        Where another thread is at it already, it tells these, too.
        """
        with self._lock:
            if self._telling:
                return
            self._telling = True
        while True:
            with self._lock:
                if not self._noted:
                    self._telling = False
                    return
                event = self._noted.popleft()
                found = [listener.on_event for listener in self._listeners or ()]
            for callback in {_who(callback): callback for callback in found if callback is not None}.values():
                _call(callback, event)

    def renew_after_fork(self) -> None:
        """In a forked child: a thread that held the lock is not here to release it."""
        self._lock = threading.Lock()
        if self._noted is not None:
            self._noted.clear()
        self._telling = False


def _who(callback: Callable[[TokenEvent], None]) -> tuple[int, int]:
    """Two bound methods of one object are one callback; two objects that are equal are two."""
    return id(getattr(callback, "__self__", callback)), id(getattr(callback, "__func__", None))


def _call(callback: Callable[[TokenEvent], None], event: TokenEvent) -> None:
    try:
        callback(event)
    except (Exception, SystemExit):  # whoever leaves here must not end the thread of the flight
        import logging

        logging.getLogger("entra_tokens").exception("An on_event callback failed; tokens are not affected.")
