"""The one thread that renews tokens which nobody asks for (`keep_fresh=True`); it is there only while it is wanted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

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
        self._alarm = threading.Event()
        self._owners: WeakKeyDictionary[object, tuple[Cell, RefreshPolicy]] = WeakKeyDictionary()
        self._running = False

    def keep(self, owner: object, cell: Cell, policy: RefreshPolicy) -> None:
        """Keep a cell fresh until its owner is gone or `forget`s it."""
        with self._lock:
            self._owners[owner] = (cell, policy)
        if cell.due_in() is not None:
            self.wake()

    def forget(self, owner: object) -> None:
        with self._lock:
            self._owners.pop(owner, None)
        self._alarm.set()

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
        self._alarm.set()
        if start and not workers.start(self._run, "entra-tokens-keep-fresh"):
            with self._lock:
                self._running = False

    def _run(self) -> None:
        while True:
            self._alarm.clear()
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
            self._alarm.wait(nap)

    def renew_after_fork(self) -> None:
        """In a forked child: its parent's thread is not here."""
        self._lock = threading.Lock()
        self._alarm = threading.Event()
        self._running = False
        self.wake()
