"""Telling whoever wants to hear of a cell's events."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from .status import TokenEvent

__all__ = ["Listener", "Listeners"]


class Listener(Protocol):
    """Holds a callback; is heard for as long as it lives."""

    @property
    def on_event(self) -> Callable[[TokenEvent], None] | None: ...


class Listeners:
    """The listeners of one cell. Any thread may call anything."""

    __slots__ = ("_listeners", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: WeakSet[Listener] = WeakSet()

    def add(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.add(listener)

    def tell(self, make: Callable[[], TokenEvent]) -> None:
        """Make the event if anybody listens, and call every callback once; what one raises goes no further."""
        with self._lock:
            found = [listener.on_event for listener in self._listeners]
        callbacks = {id(callback): callback for callback in found if callback is not None}
        if not callbacks:
            return
        event = make()
        for callback in callbacks.values():
            try:
                callback(event)
            except (Exception, SystemExit):  # whoever leaves here must not end the flight whose thread this is
                import logging

                logging.getLogger("entra_tokens").exception("An on_event callback failed; tokens are not affected.")

    def renew_after_fork(self) -> None:
        """In a forked child: a thread that held the lock is not here to release it."""
        self._lock = threading.Lock()
