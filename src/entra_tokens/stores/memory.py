"""The first level: what is remembered in this process, bounded by size and by expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachetools import TLRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ..engine.cell import Cell

__all__ = ["Memory"]

# About 100,000 users with tokens of 2 KB; beyond that the least recently renewed go first.
MOST_BYTES = 512 * 1024 * 1024
# What a cell takes beside its token's text (measured with tracemalloc; rounded up).
CELL_BYTES = 3 * 1024


class Memory:
    """Cells by key, each until an instant of its own. Not thread-safe: the engine's lock guards it.

    Args:
        wall: The clock's epoch seconds.
        most_bytes: Bound on what it holds, by estimate.
    """

    def __init__(self, wall: Callable[[], float], most_bytes: int = MOST_BYTES) -> None:
        self._cells: TLRUCache[Any, tuple[Cell, float], float] = TLRUCache(
            maxsize=most_bytes,
            ttu=lambda _key, kept, _now: kept[1],
            timer=wall,
            getsizeof=lambda kept: CELL_BYTES + (len(kept[0].token) if kept[0].held is not None else 0),
        )

    def keep(self, key: Hashable, cell: Cell, *, until: float) -> None:
        """Hold on to a cell until this epoch second, or until memory is short."""
        self._cells[key] = cell, until

    def __len__(self) -> int:
        return len(self._cells)
