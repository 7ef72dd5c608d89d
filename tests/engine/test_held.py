"""A held token ends on whichever of the two clocks is earlier."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from entra_tokens import RefreshPolicy, Token, TokenRequest
from entra_tokens.engine.held import Held, hold
from entra_tokens.testing import ManualClock

T0 = 1_700_000_000.0
HELD = Held(
    Token("t", expires_on=T0 + 3600),
    None,
    acquired_wall=T0,
    acquired_boot=500.0,
    refresh_wall=T0 + 1800,
    policy=RefreshPolicy(),
)


# seconds that passed on the wall clock, on the boot clock → usable, stale
@pytest.mark.parametrize(
    ("wall", "boot", "usable", "stale"),
    [
        (0, 0, True, False),
        (1799.9, 1799.9, True, False),
        (1800, 1799, True, True),
        (1799, 1800, True, True),
        (3599.9, 3599.9, True, True),
        (3600, 0, False, True),  # the wall clock was set ahead
        (0, 3600, False, True),  # suspend, or a wall clock that was set back
        (-7200, 1799, True, False),
        (-7200, 1800, True, True),
        (-7200, 3600, False, True),
        (7200, 1, False, True),
    ],
)
def test_expiry_is_judged_by_both_clocks(wall: float, boot: float, usable: bool, stale: bool) -> None:
    """Expiry is judged by the wall clock and by the boot clock, whichever is earlier."""
    assert HELD.usable(T0 + wall, 500 + boot) is usable
    assert HELD.stale(T0 + wall, 500 + boot) is stale


def flight(policy: RefreshPolicy = RefreshPolicy()) -> Any:  # noqa: B008 - frozen
    request = TokenRequest(("api://app/.default",))
    return SimpleNamespace(started_wall=T0, started_boot=7.0, asked_boot=7.0, age=0.0, policy=policy, request=request)


def test_holding_draws_refresh_on_once_and_puts_it_on_the_token() -> None:
    """`refresh_on` is drawn once when the token arrives."""
    clock = ManualClock(T0, share=0.0)
    held = hold(Token("t", expires_on=T0 + 1000), flight(), clock)
    assert held.token.refresh_on == held.refresh_wall == T0 + 500
    clock.share = 1.0
    assert held.token.refresh_on == held.refresh_wall == T0 + 500
    assert held.on_boot(held.refresh_wall) == 507.0
    assert held.named is None


def test_the_scopes_asked_for_are_put_on_a_token_that_names_none() -> None:
    assert hold(Token("t", expires_on=T0 + 9), flight(), ManualClock()).token.scopes == ("api://app/.default",)
    named = Token("t", expires_on=T0 + 9, scopes=["other"])
    assert hold(named, flight(), ManualClock()).token.scopes == ("other",)


def test_refused_is_the_same_token_stale_from_the_start() -> None:
    refused = HELD.refused()
    assert refused.token is HELD.token
    assert refused.stale(T0, 500.0)
    assert refused.usable(T0, 500.0)


def test_redrawing_keeps_all_but_the_refresh_instant() -> None:
    """A forked child draws `refresh_on` anew, from what the authority named if it did."""
    clock = ManualClock(T0, share=0.0)
    for named, first, second in ((None, 500, 800), (T0 + 400, 360, 440)):
        held = hold(Token("t", expires_on=T0 + 1000, refresh_on=named), flight(), clock)
        again = held.redrawn(ManualClock(share=1.0))
        assert held.refresh_wall - T0 == pytest.approx(first)
        assert again.refresh_wall - T0 == pytest.approx(second)
        assert again.token == held.token
        assert again.token.expires_on == held.token.expires_on
        assert (again.acquired_wall, again.acquired_boot) == (held.acquired_wall, held.acquired_boot)
