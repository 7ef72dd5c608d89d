"""Row 10: the same outage when the held token is in the last 5 minutes, and the last seconds, of its life."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import peers
from outcome import AZURE, H2O, MSAL, OURS, Check, Figure, Outcome, at_most
from service import token_service
from timing import call_seconds

from entra_tokens.testing import fresh_engine
from rows.row09_outage import figure_of, renewal_fails

if TYPE_CHECKING:
    from service import TokenService
    from settings import Settings

WORK = "same, last 5 minutes of life (200 s left): one call"

_LIFE = 200
# h2o-authn renews in the last 5 s only; ours is followed to its last instant.
_SHORT_LIFE = 5


def measure(settings: Settings) -> Outcome:
    with token_service() as service:
        figures = [
            figure_of(peer, *renewal_fails(service, peers.SYNC[peer](service.facts), _LIFE)) for peer in (AZURE, MSAL)
        ]
        h2o = renewal_fails(service, peers.SYNC[H2O](service.facts), _SHORT_LIFE)
        figures.append(figure_of(H2O, *h2o, what="with 3.7 s left (it renews in the last 5 s)"))
        runs = [_ours(service) for _ in range(settings.pick(5, 2))]
        errors = [error for _, error in runs if error]
        took = Figure(
            OURS, "", "ms", tuple(s * 1000 for s, _ in runs), f"fails: {errors[0]!r}" if errors else "old token"
        )
        figures.append(took)
        calls, failed, left = _to_the_end(service)
    figures.append(Figure(OURS, "calls in the last seconds of a 5 s life", "", (calls,), f"{failed} fail"))
    good = not errors and failed == 0 < calls
    return Outcome(
        10,
        WORK,
        figures,
        [
            Check("never fails before expires_on", f"{failed} of {calls}, last call {left:.2f} s before it", good),
            at_most("≤ 1 ms", took.median, 1.0, "ms"),
        ],
    )


def _ours(service: TokenService) -> tuple[float, BaseException | None]:
    with fresh_engine():
        return renewal_fails(service, peers.SYNC[OURS](service.facts), _LIFE)


def _to_the_end(service: TokenService) -> tuple[int, int, float]:
    """Calls and failures until just before the token runs out, and how long before that the last one was."""
    calls = failed = 0
    with fresh_engine():
        provider = peers.our_provider(service.facts)
        service.lives(_SHORT_LIFE, refresh_in=1)
        expires_on = provider.token().expires_on
        service.fail("token", status=503)
        while (left := expires_on - time.time()) > 0.05:
            failed += call_seconds(provider.token)[1] is not None
            calls += 1
            time.sleep(0.005)
    return calls, failed, left
