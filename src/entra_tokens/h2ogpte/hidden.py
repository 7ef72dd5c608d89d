"""Values that carry a token and do not show it: a traceback's locals are printed with repr."""

from __future__ import annotations

from typing import Any

__all__ = ["HiddenHeaders", "HiddenText"]


class HiddenText(str):
    """Text that its `repr` hides."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class HiddenHeaders(dict[str, Any]):
    """Headers whose `repr` says their names only."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"
