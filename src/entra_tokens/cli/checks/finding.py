"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "State"]

# absent: it does not apply here, and nothing is wrong with that.
State = Literal["ok", "warn", "fail", "absent"]


@dataclass(frozen=True)
class Finding:
    """One thing that is so. No secret is in it.

    Args:
        name: What was looked at.
        state: How it is.
        what: In words.
        remedy: What to type or do next; None: nothing.
        seconds: How long the look took; None: no time worth telling.
        status: The exit status that this alone would lead to.
    """

    name: str
    state: State
    what: str
    remedy: str | None = None
    seconds: float | None = None
    status: int = 0
