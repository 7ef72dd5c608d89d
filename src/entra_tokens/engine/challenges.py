"""Which claims challenges were answered a moment ago: a burst of 401s carries the same one many times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .flight import Flight

__all__ = ["Challenges"]

REMEMBERED = 60.0  # seconds for which the same challenge is not put to the authority again


class Challenges:
    """Not thread-safe: the cell's lock guards it."""

    __slots__ = ("_asked", "_until")

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._asked = float("-inf")

    def answered(self, claims: str, boot: float, asked: float) -> None:
        """The authority has answered this challenge, which was put to it at that instant of the boot clock."""
        self._asked = asked
        self._until = {known: until for known, until in self._until.items() if boot < until}
        self._until[claims] = boot + REMEMBERED

    def is_answered(self, claims: str, boot: float) -> bool:
        """Whether it did so recently."""
        return boot < self._until.get(claims, 0.0)

    def later_than(self, flight: Flight) -> bool:
        """Whether the last challenge that was answered had been put after this flight's token was asked for."""
        return flight.asked_boot < self._asked
