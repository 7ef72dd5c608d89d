"""The slot that every cached call reads: a token, and the instants up to which there is nothing to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..token import Token
    from .clock import Clock
    from .held import Held

__all__ = ["NEVER", "Slot"]

NEVER = float("-inf")


class Slot:
    """Read without a lock, written under its cell's lock.

    A reader compares `wall()` with `wall_until` and `boot()` with `boot_until`, and takes `token` if both are earlier.
    It can meet a newer token than the one whose instants it compared, never one that has run out.
    """

    __slots__ = ("boot", "boot_until", "clock", "held", "token", "wall", "wall_until")

    token: Token  # meaningful only before the two instants
    wall_until: float
    boot_until: float

    def __init__(self, clock: Clock) -> None:
        self.wall_until = self.boot_until = NEVER
        self.held: Held | None = None
        self.set_clock(clock)

    def set_clock(self, clock: Clock) -> None:
        """Read these clocks from here on."""
        self.clock: Clock = clock
        self.wall: Callable[[], float] = clock.wall
        self.boot: Callable[[], float] = clock.boot

    def usable(self) -> bool:
        """Whether an unexpired token is held."""
        return self.held is not None and self.held.usable(self.wall(), self.boot())

    def time_left(self) -> float | None:
        """Seconds until the held token expires; None where nothing usable is held."""
        held = self.held
        if held is None:
            return None
        expires = held.token.expires_on
        left = min(expires - self.wall(), held.on_boot(expires) - self.boot())
        return left if left > 0 else None

    def hold(self, held: Held) -> None:
        """Hold another token; the slot stays shut until `open` is called."""
        self.shut()
        self.held, self.token = held, held.token

    def shut(self) -> None:
        """Send every caller the long way."""
        self.wall_until = self.boot_until = NEVER

    def open(self, *, overdue_at: float | None, next_try: float) -> None:
        """Let callers through up to the next instant at which something may have to be decided.

        Args:
            overdue_at: Up to this boot-clock instant a renewal is on its way, with nothing to decide; None: none is.
            next_try: The boot-clock instant before which no renewal may be tried.
        """
        held = self.held
        if held is None:
            return
        expires = held.token.expires_on
        wall_until, boot_until = expires, held.on_boot(expires)
        if overdue_at is not None:
            boot_until = min(boot_until, overdue_at)
        elif held.stale(self.wall(), self.boot()):
            boot_until = min(boot_until, next_try)
        else:
            wall_until, boot_until = held.refresh_wall, held.on_boot(held.refresh_wall)
        self.wall_until, self.boot_until = wall_until, boot_until
