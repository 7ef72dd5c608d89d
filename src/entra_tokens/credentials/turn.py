"""One person is asked one thing at a time: flights of the same sign-in take turns."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import InteractionRequired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..acquiring import Acquiring

__all__ = ["Turn", "turn"]

_LOOK = 0.1  # seconds between looks at whether anybody still waits


class Turn:
    """The right to prompt for one identity. `until`: when the code that is shown runs out, in epoch seconds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until: float | None = None


_turns: dict[tuple[str, ...], Turn] = {}


@contextmanager
def turn(identity: tuple[str, ...], around: Acquiring) -> Iterator[Turn]:
    """Wait for the turn and have it.

    Whoever waits here waits for the same person as the one before, and so as long as that one's code is good.

    Raises:
        InteractionRequired: Everybody left meanwhile.
    """
    mine = _turns.setdefault(identity, Turn())
    told: float | None = None
    while not mine.lock.acquire(timeout=_LOOK):
        if around.abandoned.is_set():
            raise InteractionRequired("The sign-in was given up, because nobody waits for it any more.")
        until = mine.until
        if until is not None and until != told:
            told = until
            around.on_prompt(until)
    try:
        yield mine
    finally:
        mine.until = None
        mine.lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)
