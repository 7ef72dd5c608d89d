"""When to renew and how long to keep quiet: pure functions of numbers, with no clock and no randomness of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    Uniform = Callable[[float, float], float]

__all__ = ["RefreshPolicy", "refresh_instant", "retry_delay"]

# Share by which a refresh_in that the authority names is spread, so that clients started together drift apart.
NAMED_SPREAD = (0.9, 1.1)
# Share that is added to a Retry-After, so that a fleet that was refused together does not come back together.
RETRY_AFTER_SPREAD = 0.2
# The last part of a life that no refresh instant may fall into: 60 s, or a tenth of a short life.
LAST_SECONDS, LAST_SHARE = 60.0, 0.1


class RefreshPolicy(Record):
    """The numbers that decide when tokens are renewed. Frozen; seconds unless said.

    Args:
        early: Share of a token's life within which its renewal instant is drawn where the authority names none.
            100,000 hosts started together then peak at 125 requests/s.
        wait: How long a caller with no usable token waits for one.
        retry_first: First pause after a failed renewal; doubles from there.
        retry_max: Longest such pause. Over a 15 min outage it makes 9 tries, and 20,000 clients come back at 120/s.
        retry_after_max: Longest `Retry-After` that is believed.
        remember_error: How long a failure answers callers who hold nothing, instead of one request each.
        forced_renewal_every: Shortest time between two renewals that were forced by `invalidate()`.

    Raises:
        ConfigurationError: A number is negative or not finite, or `early` is not 0 < low <= high < 1.
    """

    early: tuple[float, float]
    wait: float
    retry_first: float
    retry_max: float
    retry_after_max: float
    remember_error: float
    forced_renewal_every: float

    def __init__(
        self,
        early: tuple[float, float] = (0.5, 0.8),
        wait: float = 30.0,
        retry_first: float = 5.0,
        retry_max: float = 300.0,
        retry_after_max: float = 3600.0,
        remember_error: float = 5.0,
        forced_renewal_every: float = 60.0,
    ) -> None:
        self._set(
            early=_checked_shares(early),
            wait=wait,
            retry_first=retry_first,
            retry_max=retry_max,
            retry_after_max=retry_after_max,
            remember_error=remember_error,
            forced_renewal_every=forced_renewal_every,
        )
        for name, value in list(vars(self).items())[1:]:
            if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
                raise ConfigurationError(f"RefreshPolicy.{name} must be a number of seconds, 0 or more.")


def _checked_shares(early: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = early
        if 0.0 < low <= high < 1.0:
            return low, high
    except (TypeError, ValueError):
        pass
    raise ConfigurationError("RefreshPolicy.early must be two shares of a life with 0 < low <= high < 1.")


def refresh_instant(
    policy: RefreshPolicy, acquired: float, expires_on: float, named: float | None, uniform: Uniform
) -> float:
    """The instant at which a token acquired then becomes stale; always before `expires_on`.

    Args:
        policy: Whose `early` counts where the authority names no instant.
        acquired: When the request for it was sent, epoch seconds.
        expires_on: When it expires, epoch seconds; later than `acquired`.
        named: The authority's own refresh instant, epoch seconds. One outside the token's life is no instant.
        uniform: Where randomness comes from.
    """
    life = expires_on - acquired
    if named is not None and acquired < named < expires_on:
        share = (named - acquired) / life * uniform(*NAMED_SPREAD)
    else:
        share = uniform(*policy.early)
    return acquired + min(share * life, life - min(LAST_SECONDS, LAST_SHARE * life))


def retry_delay(policy: RefreshPolicy, failures: int, time_left: float | None, quiet: float, uniform: Uniform) -> float:
    """Seconds to wait before the next attempt after the n-th failure in a row.

    Equal jitter: the upper half of a pause that doubles (full jitter collapses to near zero under throttling). What the
    server asked for is a floor, and the only thing that may reach past the token's end.

    Args:
        policy: `retry_first` and `retry_max`.
        failures: How many in a row, this one included; 1 or more.
        time_left: Seconds that the held token still lives; None: nothing usable is held.
        quiet: `quiet_time()` of this failure.
        uniform: Where randomness comes from.
    """
    longest = policy.retry_max if time_left is None else max(1.0, min(policy.retry_max, time_left / 4))
    pause = min(2 * policy.retry_first * 2.0 ** min(failures - 1, 32), longest)
    return max(uniform(pause / 2, pause), quiet)


def quiet_time(policy: RefreshPolicy, retry_after: float | None, uniform: Uniform) -> float:
    """Seconds for which a `Retry-After` (RFC 9110 §10.2.3) forbids any request, believed up to `retry_after_max`."""
    if retry_after is None or not retry_after > 0:
        return 0.0
    floor = min(retry_after, policy.retry_after_max)
    return min(floor + uniform(0.0, RETRY_AFTER_SPREAD * floor), policy.retry_after_max)
