"""The first level: what is remembered in this process, bounded by size and by expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachetools import TLRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ..engine.cell import Cell

__all__ = ["Memory"]

# 100,000 users with assertions and tokens of 2 KB; beyond that the least recently renewed go first.
MOST_BYTES = 800 * 1024 * 1024
# What a cell takes beside the texts that it holds (measured with tracemalloc; rounded up).
CELL_BYTES = 4 * 1024


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
            getsizeof=lambda kept: _bytes(kept[0]),
        )

    def keep(self, key: Hashable, cell: Cell, *, until: float) -> None:
        """Hold on to a cell until this epoch second, or until memory is short."""
        self._cells[key] = cell, until

    @property
    def bytes(self) -> float:
        """What it holds, by estimate."""
        return self._cells.currsize

    def __len__(self) -> int:
        return len(self._cells)


def _bytes(cell: Cell) -> int:
    texts = getattr(cell.credential, "held_bytes", 0)
    return CELL_BYTES + int(texts) + (len(cell.token) if cell.held is not None else 0)
