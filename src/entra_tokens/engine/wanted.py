"""What a flight tells a store: whose token for what, and which stored one may be used instead of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .key import key_under
from .policy import refresh_instant

if TYPE_CHECKING:
    from ..stores.protocol import Stored
    from ..token import Token
    from .clock import Signal
    from .flight import Flight

__all__ = ["WantedByFlight"]

# What clocks that are set by a network protocol may jump; a token from further in the future than that says that this
# machine's clock was set back, and that its expiry cannot be believed.
CLOCK_STEP = 60.0
# Of the policy's `wait`: a flight that has waited in vain for another process still has time to acquire by itself
# before its callers lose patience.
SHARE_OF_WAIT = 0.5


class WantedByFlight:
    """A flight as a store sees it (`stores.protocol.Wanted`)."""

    __slots__ = ("_flight",)

    def __init__(self, flight: Flight) -> None:
        self._flight = flight

    @property
    def wait(self) -> float:
        return self._flight.policy.wait * SHARE_OF_WAIT

    @property
    def abandoned(self) -> Signal:
        return self._flight.abandoned

    def now(self) -> float:
        return self._flight.cell.wall()

    def key_under(self, secret: bytes) -> tuple[object, ...] | None:
        return key_under(secret, self._flight.cell.credential, self._flight.cell.request)

    def will_do(self, stored: Stored) -> bool:
        """With nothing usable held, any usable one; else a newer one that is fresh. A challenge wants a new one."""
        flight, cell, token = self._flight, self._flight.cell, stored.token
        wall, held = cell.wall(), cell.held
        if flight.request.claims is not None or not stored.acquired - CLOCK_STEP <= wall < token.expires_on:
            return False
        if held is None:
            return True
        if token == held.token or stored.acquired < held.acquired_wall:  # the one to be replaced, or an older one
            return False
        fresh_until = refresh_instant(flight.policy, stored.acquired, token.expires_on, token.refresh_on, _middle)
        return wall < fresh_until or not held.usable(wall, cell.boot())

    def acquire(self) -> Token:
        return self._flight.cell.credential.acquire(self._flight.request)


def _middle(low: float, high: float) -> float:
    """No draw: all processes must find the same token fresh."""
    return (low + high) / 2
