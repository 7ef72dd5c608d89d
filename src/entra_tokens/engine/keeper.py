"""The one thread that renews tokens which nobody asks for (`keep_fresh=True`); it is there only while it is wanted."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from . import workers

if TYPE_CHECKING:
    from .cell import Cell
    from .policy import RefreshPolicy

__all__ = ["Keeper"]

# The waiting itself does not count suspend, and a machine that wakes should look at its clocks soon.
LONGEST_NAP = 30.0
SHORTEST_NAP = 0.05


class Keeper:
    """Looks after cells for as long as their owners (providers) live. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A SimpleQueue because owners die anywhere, also in a garbage collection while this very alarm is being rung:
        # its put() may be entered again, an Event's set() would then wait for itself.
        self._alarm: SimpleQueue[None] = SimpleQueue()
        self._owners: WeakKeyDictionary[object, tuple[Cell, RefreshPolicy]] = WeakKeyDictionary()
        self._deaths: set[ref[object]] = set()
        self._running = False

    def keep(self, owner: object, cell: Cell, policy: RefreshPolicy) -> None:
        """Keep a cell fresh until its owner is gone or `forget`s it."""
        with self._lock:
            self._owners[owner] = (cell, policy)
            self._deaths.add(ref(owner, self._gone))
        if cell.due_in() is not None:
            self.wake()

    def forget(self, owner: object) -> None:
        with self._lock:
            self._owners.pop(owner, None)
        self._ring()

    def _gone(self, owner: ref[object]) -> None:
        """An owner was collected: have the thread see it, so that it ends with the last one."""
        self._deaths.discard(owner)
        self._ring()

    def _ring(self) -> None:
        if self._running:
            self._alarm.put(None)

    def rearm(self) -> None:
        """A flight has landed: the next instant may be another."""
        if self._owners:
            self.wake()

    def wake(self) -> None:
        """Look at everything now."""
        with self._lock:
            if not self._owners:
                return
            start = not self._running
            self._running = True
        self._alarm.put(None)
        if start and not workers.start(self._run, "entra-tokens-keep-fresh"):
            with self._lock:
                self._running = False

    def _run(self) -> None:
        while True:
            while not self._alarm.empty():
                self._alarm.get_nowait()
            with self._lock:
                cells = list(self._owners.values())
                if not cells:
                    self._running = False
                    return
            nap = LONGEST_NAP
            for cell, policy in cells:
                due = cell.due_in()
                if due is None:
                    continue
                if due <= 0:
                    cell.renew_if_due(policy)
                    due = cell.due_in() or SHORTEST_NAP
                nap = min(nap, max(due, SHORTEST_NAP))
            del cells
            with suppress(Empty):
                self._alarm.get(timeout=nap)

    def renew_after_fork(self) -> None:
        """In a forked child: its parent's thread is not here."""
        self._lock = threading.Lock()
        self._alarm = SimpleQueue()
        self._running = False
        self.wake()
