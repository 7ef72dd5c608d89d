"""The rows of the table of targets that are measured here, by their numbers there.

A row is a module with `WORK` (what is measured) and `measure(settings)`, which returns an `Outcome`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from settings import Settings

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["ROWS", "Settings"]

_NAMES = {
    1: "cached_sync",
    2: "cached_async",
    3: "cached_threads",
    4: "cold_threads",
    5: "cold_tasks",
    6: "many_objects",
    7: "cold_failing",
    8: "longest_pause",
    9: "outage",
    10: "last_minutes",
    11: "throttled",
    12: "cold_processes",
    14: "stale_lock",
    15: "write_many_users",
    16: "many_users",
    17: "import_time",
    18: "command",
    21: "memory",
    22: "first_token",
    23: "imds_line",
    24: "emulator",
}

ROWS: dict[int, ModuleType] = {number: import_module(f"rows.row{number:02}_{name}") for number, name in _NAMES.items()}
