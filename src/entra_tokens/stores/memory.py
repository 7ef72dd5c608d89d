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
    """Cells with a usable token, by key. Not thread-safe: the engine's lock guards it.

    Args:
        wall: The clock's epoch seconds.
        most_bytes: Bound on what it holds, by estimate.
    """

    def __init__(self, wall: Callable[[], float], most_bytes: int = MOST_BYTES) -> None:
        self._cells: TLRUCache[Any, Cell, float] = TLRUCache(
            maxsize=most_bytes,
            ttu=lambda _key, cell, _now: cell.token.expires_on,
            timer=wall,
            getsizeof=lambda cell: CELL_BYTES + len(cell.token),
        )

    def keep(self, key: Hashable, cell: Cell) -> None:
        self._cells[key] = cell

    def __len__(self) -> int:
        return len(self._cells)
