"""What a cell should do, in few words: the reference that the state machine compares the engine with.

One provider, one thread of thought, the jitter in the middle of its range. `wait` is next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEVER = float("-inf")
OVERDUE = 3.0  # what three times `wait` is at least


@dataclass
class Plane:
    """A flight: what for, since when."""

    claims: str | None
    wall: float
    boot: float
    waiters: list[Any] = field(default_factory=list)
    real: Any = None
    pending: Any = None


@dataclass
class Held:
    value: str
    expires: float
    refresh: float
    wall: float
    boot: float


class Model:
    def __init__(self, wall: float) -> None:
        self.wall, self.boot = wall, 0.0
        self.held: Held | None = None
        self.flying: dict[str | None, Plane] = {}
        self.lost: list[Plane] = []
        self.launched = self.renewals = self.failures = self.in_row = 0
        self.next_try = self.quiet = self.forced = self.challenged = NEVER
        self.remembered: dict[str | None, float] = {}
        self.answered: dict[str, float] = {}

    # what is so

    def left(self) -> float:
        held = self.held
        return min(held.expires - self.wall, held.boot + (held.expires - held.wall) - self.boot) if held else NEVER

    @property
    def usable(self) -> bool:
        held = self.held
        # In the engine's order, so that what is equal here is equal there.
        return held is not None and self.wall < held.expires and self.boot < held.boot + (held.expires - held.wall)

    @property
    def stale(self) -> bool:
        held = self.held
        assert held is not None
        return self.wall >= held.refresh or self.boot >= held.boot + (held.refresh - held.wall)

    @property
    def state(self) -> str:
        return "none" if self.held is None else "expired" if not self.usable else "stale" if self.stale else "fresh"

    # what is done

    def launch(self, claims: str | None) -> Plane:
        self.launched += 1
        self.flying[claims] = Plane(claims, self.wall, self.boot)
        return self.flying[claims]

    def in_flight(self, claims: str | None) -> Plane | None:
        plane = self.flying.get(claims)
        if plane is not None and self.boot > plane.boot + OVERDUE:
            self.lost.append(self.flying.pop(claims))
            self.fail(claims, None)
            return None
        return plane

    def call(self, claims: str | None) -> tuple[str, Plane | None]:
        """What a caller without patience gets, and the flight that its call has started."""
        plane = self.in_flight(claims)
        if self.usable and claims is None:
            due = plane is None and self.stale and self.boot >= self.next_try
            return "token", self.launch(None) if due else None
        if self.usable and self.boot < self.answered.get(claims or "", NEVER):
            return "token", None
        if plane is not None:
            return "timeout", None
        if self.boot < max(self.quiet, self.remembered.get(claims, NEVER)):
            return "error", None
        return "timeout", self.launch(claims)

    def invalidate(self, value: str | None) -> tuple[bool, Plane | None]:
        if value is not None and (self.held is None or value != self.held.value):
            return False, None
        if self.boot < max(self.quiet, self.forced):
            return False, None
        self.remembered.clear()
        if not self.usable:
            return False, None
        assert self.held is not None
        self.forced = self.boot + 60
        self.held.refresh = self.held.wall
        return True, self.launch(None) if self.in_flight(None) is None else None

    def land(self, plane: Plane, value: str, expires: float, named: float | None) -> str:
        """A token comes in; returns what its waiters get."""
        current = self.flying.get(plane.claims) is plane
        self.take_off_the_board(plane)
        if plane.claims is None and plane.boot < self.challenged and self.usable:
            assert self.held is not None
            return self.held.value
        if current or self.held is None or expires > self.held.expires:
            life = expires - plane.wall
            share = (named - plane.wall) / life if named and plane.wall < named < expires else 0.65
            refresh = plane.wall + min(share * life, life - min(60, 0.1 * life))
            self.held = Held(value, expires, refresh, plane.wall, plane.boot)
            self.renewals += 1
            self.in_row, self.next_try, self.quiet = 0, NEVER, NEVER
            self.remembered.clear()
            if plane.claims is not None:
                self.answered[plane.claims] = self.boot + 60
                self.challenged = plane.boot
        return value

    def crash(self, plane: Plane, retry_after: float | None) -> None:
        """An error comes in."""
        if self.flying.get(plane.claims) is plane:
            self.fail(plane.claims, retry_after)
        self.take_off_the_board(plane)

    def take_off_the_board(self, plane: Plane) -> None:
        if self.flying.get(plane.claims) is plane:
            del self.flying[plane.claims]
        else:
            self.lost.remove(plane)

    def fail(self, claims: str | None, retry_after: float | None) -> None:
        self.failures += 1
        self.in_row += 1
        longest = max(1.0, min(300.0, self.left() / 4)) if self.usable else 300.0
        quiet = min(1.1 * min(retry_after, 3600.0), 3600.0) if retry_after and retry_after > 0 else 0.0
        delay = max(0.75 * min(5 * 2.0**self.in_row, longest), quiet)
        if quiet:
            self.quiet = self.boot + quiet
        if claims is None:
            self.next_try = self.boot + delay
        self.next_try = max(self.next_try, self.quiet)
        self.remembered[claims] = self.boot + max(min(5.0, delay), quiet)
