"""The process-wide engine: one cell for each identity, scope, tenant and CAE choice, however many providers ask."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..acquiring import SignIns
from .cell import Cell
from .clock import SYSTEM_CLOCK, ShiftedClock
from .keeper import Keeper
from .key import key_of
from .workers import after_fork_in_child, importing

if TYPE_CHECKING:
    from ..credentials.protocol import Credential
    from ..request import TokenRequest
    from ..stores.memory import Memory
    from ..stores.protocol import Store
    from ..stores.sign_ins import SignInFiles
    from .clock import Clock
    from .key import Key

__all__ = ["Engine", "current_engine", "use_engine"]


class Engine:
    """Cells by key. Any thread may call anything.

    Cells live as long as a provider uses them; those with a token are also kept in a bounded memory, so that a provider
    made for one call finds what the last one got.

    Args:
        clock: Where time and randomness come from.
        sign_ins: Where the sign-ins of people are remembered; None: in this engine alone.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK, sign_ins: SignIns | None = None) -> None:
        self.clock: Clock = clock
        self.sign_ins: SignIns = SignIns() if sign_ins is None else sign_ins
        self.keeper: Keeper = Keeper()
        self._lock = threading.Lock()
        self._cells: WeakValueDictionary[Key, Cell] = WeakValueDictionary()
        self._memory: Memory | None = None
        self._digest_key = os.urandom(32)
        after_fork_in_child(self._renew_after_fork)

    def cell(self, credential: Credential, request: TokenRequest, store: Store | None = None) -> Cell:
        """The cell for this credential's identity and this request (its claims aside)."""
        key = key_of(credential, request)
        with self._lock:
            cell = self._cells.get(key)
            if cell is None:
                cell = self._cells[key] = Cell(self, credential, request)
            if store is not None:
                cell.store = store
            return cell

    def landed(self, cell: Cell) -> None:
        """Remember a cell beyond its last provider: until its token expires or its next attempt is due.

        So a provider made for one call finds what the last one got, and a failure answers the next one, too.
        """
        status = cell.status()
        key = key_of(cell.credential, cell.request)
        with importing():  # no child is forked from the middle of the import, nor of keeping
            from ..stores.memory import Memory

            with self._lock:
                if self._memory is None:
                    self._memory = Memory(lambda: self.clock.wall())
                self._memory.keep(key, cell, until=max(status.expires_on or 0.0, status.next_attempt or 0.0))
        self.keeper.rearm()

    def digest(self, cell: Cell) -> str:
        """A short name of a cell's key that tells nothing about it outside this process."""
        from hashlib import blake2b

        key = repr(key_of(cell.credential, cell.request))
        return blake2b(key.encode(), key=self._digest_key, digest_size=8).hexdigest()

    def advance(self, seconds: float) -> None:
        """Let time pass at once, for emulators and tests."""
        advance = getattr(self.clock, "advance", None)
        if advance is not None:
            advance(seconds)
            return
        self.clock = ShiftedClock(self.clock, seconds)
        for cell in self._all_cells():
            cell.set_clock(self.clock)
        self.keeper.wake()

    def _all_cells(self) -> list[Cell]:
        with self._lock:
            return list(self._cells.values())

    def _renew_after_fork(self) -> None:
        self._lock = threading.Lock()
        for cell in list(self._cells.values()):
            cell.renew_after_fork()
        self.keeper.renew_after_fork()


def _in_files() -> SignInFiles:
    with importing():
        from ..stores.sign_ins import sign_in_files

    return sign_in_files()


_engine = Engine(sign_ins=SignIns(_in_files))


def current_engine() -> Engine:
    """The engine that providers made at this moment use."""
    return _engine


def use_engine(engine: Engine) -> Engine:
    """Make another engine the current one; returns the one it replaces."""
    global _engine
    replaced, _engine = _engine, engine
    return replaced
