"""What failures mean for later attempts."""

from __future__ import annotations

from typing import Any

import pytest

from entra_tokens import AuthorityUnavailable, EntraTokensError, InteractionRequired, RefreshPolicy
from entra_tokens.engine.backoff import Backoff
from entra_tokens.testing import ManualClock

DOWN = AuthorityUnavailable("down")


@pytest.fixture
def at() -> ManualClock:
    return ManualClock(share=0.0)


def fail(backoff: Backoff, clock: ManualClock, error: EntraTokensError = DOWN, **changed: Any) -> None:
    options: dict[str, Any] = {"policy": RefreshPolicy(), "clock": clock, "time_left": None, "may_prompt": True}
    claims = changed.pop("claims", None)
    backoff.failure(claims, error, **(options | changed))


def test_a_new_one_forbids_nothing_and_answers_nothing() -> None:
    backoff = Backoff()
    assert backoff.next_try == float("-inf")
    assert not backoff.keeps_quiet(0)
    assert backoff.answer(None, 0, False) is None


def test_pauses_double_until_a_success(at: ManualClock) -> None:
    backoff, pauses = Backoff(), []
    for _ in range(8):
        fail(backoff, at)
        pauses.append(backoff.next_try - at.boot())
        at.advance(1000)
    assert pauses == [5, 10, 20, 40, 80, 150, 150, 150]
    backoff.success()
    assert backoff.next_try == float("-inf")
    assert backoff.last_error is None
    fail(backoff, at)
    assert backoff.next_try - at.boot() == 5
    assert backoff.failures == 9


@pytest.mark.parametrize(("after", "answered"), [(0, True), (4.9, True), (5, False), (60, False)])
def test_an_error_is_remembered_for_at_most_five_seconds(at: ManualClock, after: float, answered: bool) -> None:
    backoff = Backoff()
    fail(backoff, at)
    at.advance(after)
    assert (backoff.answer(None, at.boot(), False) is not None) is answered


def test_an_answer_is_an_equal_error_of_ones_own(at: ManualClock) -> None:
    backoff = Backoff()
    fail(backoff, at)
    first, second = backoff.answer(None, 0, False), backoff.answer(None, 0, False)
    assert first == second == DOWN
    assert first is not second
    assert first is not DOWN


def test_forgetting_lets_the_next_caller_try_at_once(at: ManualClock) -> None:
    backoff = Backoff()
    fail(backoff, at)
    backoff.forget()
    assert backoff.answer(None, 0, False) is None


def test_retry_after_forbids_every_attempt_and_counts_down(at: ManualClock) -> None:
    backoff = Backoff()
    fail(backoff, at, AuthorityUnavailable("slow down", retry_after=100))
    for after in (0, 60):
        at.advance(after)
        assert backoff.keeps_quiet(at.boot())
        for claims in (None, "{}"):
            error = backoff.answer(claims, at.boot(), False)
            assert isinstance(error, AuthorityUnavailable)
            assert error.retry_after == pytest.approx(100 - at.boot())
    backoff.forget()
    assert backoff.answer(None, at.boot(), False) is not None, "a server's word stands"
    at.advance(40)
    assert not backoff.keeps_quiet(at.boot())
    assert backoff.answer(None, at.boot(), False) is None


def test_retry_after_to_a_challenge_holds_back_ordinary_renewal_too(at: ManualClock) -> None:
    """`Retry-After` is a floor for any attempt, whichever request was told so."""
    backoff = Backoff()
    fail(backoff, at, AuthorityUnavailable("slow down", retry_after=100), claims="{}")
    assert backoff.next_try >= 100
    fail(backoff, at, DOWN)
    assert backoff.next_try >= 100


def test_the_failure_of_a_challenge_is_remembered_for_that_challenge_alone(at: ManualClock) -> None:
    backoff = Backoff()
    fail(backoff, at, claims="a")
    assert backoff.answer("a", 0, False) is not None
    assert backoff.answer("b", 0, False) is None
    assert backoff.answer(None, 0, False) is None
    assert backoff.next_try == float("-inf")


def test_many_challenges_do_not_pile_up(at: ManualClock) -> None:
    backoff = Backoff()
    for number in range(1000):
        fail(backoff, at, claims=str(number))
        at.advance(1)
    assert len(backoff._remembered) <= 6


def test_a_background_attempt_that_wanted_a_person_says_nothing_to_whoever_may_prompt(at: ManualClock) -> None:
    backoff = Backoff()
    fail(backoff, at, InteractionRequired("sign in"), may_prompt=False)
    assert backoff.answer(None, 0, True) is None
    assert backoff.answer(None, 0, False) is not None
    fail(backoff, at, InteractionRequired("declined"), may_prompt=True)
    assert backoff.answer(None, 0, True) is not None


def test_a_flight_that_everybody_left_is_no_reason_to_wait(at: ManualClock) -> None:
    backoff = Backoff()
    backoff.left_alone(InteractionRequired("nobody waits"))
    assert backoff.next_try == float("-inf")
    assert backoff.answer(None, 0, True) is None
    assert backoff.failures == 1
