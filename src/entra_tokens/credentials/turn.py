"""One person is asked one thing at a time: flights of the same sign-in take turns, here and in other processes."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import InteractionRequired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..acquiring import Acquiring
    from ..stores.lock import FileLock

__all__ = ["Turn", "turn"]

_LOOK = 0.1  # seconds between looks at whether anybody still waits
_LONGEST = 3600.0  # seconds that another process may say a person has


class Turn:
    """The right to prompt for one identity."""

    def __init__(self) -> None:
        self.lock: threading.Lock = threading.Lock()
        self.until: float | None = None
        self._others: FileLock | None = None

    def prompted(self, until: float) -> None:
        """A code is shown that runs out at this epoch second: who waits may wait that long."""
        self.until = until
        if self._others is not None:
            self._others.say(f"{until:.1f}")

    def _taken(self, others: FileLock | None) -> None:
        self._others = others
        if others is not None:
            others.say("")


_turns: dict[tuple[str, ...], Turn] = {}


@contextmanager
def turn(
    identity: tuple[str, ...], around: Acquiring, others: FileLock | None, settled: Callable[[], bool]
) -> Iterator[Turn | None]:
    """Wait for the turn and have it; None where there is nothing left to ask, because somebody has signed in.

    Whoever waits here waits for the same person as the one before, and so as long as that one's code is good.

    Args:
        identity: Whose turn.
        around: The call's surroundings: the waiters are told how long a person has.
        others: The lock that other processes take for the same.
        settled: Whether somebody has signed in meanwhile.

    Raises:
        InteractionRequired: Everybody left meanwhile.
    """
    mine = _turns.setdefault(identity, Turn())
    if not _waited(lambda: mine.lock.acquire(timeout=_LOOK), lambda: mine.until, around, settled):
        yield None
        return
    try:
        if others is not None and not _waited(
            lambda: _took(others, around), lambda: _said(others, around, mine), around, settled
        ):
            yield None
            return
        mine._taken(others)  # noqa: SLF001 - of this module
        yield mine
    finally:
        mine.until = None
        mine._taken(None)  # noqa: SLF001
        if others is not None:
            others.release()
        mine.lock.release()


def _waited(
    take: Callable[[], bool], until: Callable[[], float | None], around: Acquiring, settled: Callable[[], bool]
) -> bool:
    """Whether the turn is there; False: it is no longer needed."""
    told: float | None = None
    while not take():
        if around.abandoned.is_set():
            raise InteractionRequired(
                "The sign-in was given up, because nobody waits for it any more. Ask again.",
                anchor="device-code-and-browser",
            )
        if settled():
            return False
        found = until()
        if found is not None and found != told:
            told = found
            around.on_prompt(found)
            around.on_wait(found)
    return True


def _took(others: FileLock, around: Acquiring) -> bool:
    try:
        if others.acquire():
            return True
    except OSError:  # no locks here: everybody for themselves
        return True
    around.abandoned.wait(_LOOK)
    return False


def _said(others: FileLock, around: Acquiring, mine: Turn) -> float | None:
    """Until when the person who is asked by another process has time; this process's own waiters are told, too."""
    try:
        until = float(others.said())
    except ValueError:
        return None
    if not 0 < until - around.clock.wall() <= _LONGEST:
        return None
    mine.until = until
    return until


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)
