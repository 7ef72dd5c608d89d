"""A token with the instants that count, on both clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..token import Token
from .policy import refresh_instant

if TYPE_CHECKING:
    from .clock import Clock
    from .flight import Flight
    from .policy import RefreshPolicy

__all__ = ["Held", "hold"]


class Held(NamedTuple):
    """Never changed, and replaced as one, so that a token and its instants are never from different answers.

    Args:
        token: What is handed out.
        named: The refresh instant that the authority named, epoch seconds.
        acquired_wall: When its request was sent, on the wall clock.
        acquired_boot: The same instant on the clock that nobody sets.
        refresh_wall: From when on it is stale.
        policy: Whose numbers drew that instant.
    """

    token: Token
    named: float | None
    acquired_wall: float
    acquired_boot: float
    refresh_wall: float
    policy: RefreshPolicy

    def usable(self, wall: float, boot: float) -> bool:
        """Whether it is unexpired by either clock."""
        return wall < self.token.expires_on and boot < self.on_boot(self.token.expires_on)

    def stale(self, wall: float, boot: float) -> bool:
        """Whether its refresh instant is over by either clock."""
        return wall >= self.refresh_wall or boot >= self.on_boot(self.refresh_wall)

    def on_boot(self, wall: float) -> float:
        """The instant on the boot clock that was meant by one on the wall clock when the token came."""
        return self.acquired_boot + (wall - self.acquired_wall)

    def refused(self) -> Held:
        """The same, stale from here on."""
        return self._replace(refresh_wall=self.acquired_wall)

    def redrawn(self, clock: Clock) -> Held:
        """The same with another refresh instant, so that forked processes do not all renew in the same second."""
        return _held(self.token, self.named, self.acquired_wall, self.acquired_boot, self.policy, clock)


def hold(token: Token, flight: Flight, clock: Clock) -> Held:
    """Hold what a flight brought: its refresh instant is drawn here, once."""
    if not token.scopes:
        token = Token(
            str(token), expires_on=token.expires_on, refresh_on=token.refresh_on, scopes=flight.request.scopes
        )
    wall = flight.started_wall - flight.age
    return _held(token, token.refresh_on, wall, flight.asked_boot, flight.policy, clock)


def _held(token: Token, named: float | None, wall: float, boot: float, policy: RefreshPolicy, clock: Clock) -> Held:
    refresh_on = refresh_instant(policy, wall, token.expires_on, named, clock.uniform)
    token = Token(str(token), expires_on=token.expires_on, refresh_on=refresh_on, scopes=token.scopes)
    return Held(token, named, wall, boot, refresh_on, policy)
