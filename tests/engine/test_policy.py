"""When to renew and how long to keep quiet: pure functions, so boundary tables say it all."""

from __future__ import annotations

import math
from typing import Any

import pytest

from entra_tokens import ConfigurationError, RefreshPolicy
from entra_tokens.engine.policy import quiet_time, refresh_instant, retry_delay

POLICY = RefreshPolicy()
T0 = 1_700_000_000.0


def low(first: float, last: float) -> float:
    return first


def high(first: float, last: float) -> float:
    return last


# life, refresh_in or None → earliest and latest instant, in seconds after the request
REFRESH = [
    (3600, None, 1800, 2880),  # U(0.5, 0.8) of the life
    (86400, None, 43200, 69120),
    (299, None, 149.5, 239.2),
    (60, None, 30, 48),
    (1, None, 0.5, 0.8),
    (3600, 1800, 1620, 1980),  # refresh_in times U(0.9, 1.1)
    (86400, 43200, 38880, 47520),
    (3600, 1, 0.9, 1.1),
    (3600, 3300, 2970, 3540),  # never into the last minute
    (3600, 3599, 3239.1, 3540),
    (300, 299, 269.1, 270),  # nor into the last tenth of a short life
    (10, 9.9, 8.91, 9),
    (3600, 0, 1800, 2880),  # an instant outside the life is none
    (3600, -5, 1800, 2880),
    (3600, 3600, 1800, 2880),
    (3600, 7200, 1800, 2880),
    (3600, math.inf, 1800, 2880),
    (3600, math.nan, 1800, 2880),
]


@pytest.mark.parametrize(("life", "refresh_in", "earliest", "latest"), REFRESH)
def test_refresh_on_is_drawn_from_what_the_authority_names_or_from_the_life(
    life: float, refresh_in: float | None, earliest: float, latest: float
) -> None:
    named = None if refresh_in is None else T0 + refresh_in
    assert refresh_instant(POLICY, T0, T0 + life, named, low) - T0 == pytest.approx(earliest, abs=1e-5)
    assert refresh_instant(POLICY, T0, T0 + life, named, high) - T0 == pytest.approx(latest, abs=1e-5)


@pytest.mark.parametrize("life", [1, 2, 5, 59, 60, 61, 299, 300, 599, 600, 3600, 86400])
@pytest.mark.parametrize("share", [None, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("uniform", [low, high])
def test_refresh_on_is_always_before_expires_on(life: int, share: float | None, uniform: Any) -> None:
    named = None if share is None else T0 + share * life
    instant = refresh_instant(POLICY, T0, T0 + life, named, uniform)
    assert T0 < instant <= T0 + life - min(60, 0.1 * life) + 1e-5


def test_the_policy_s_own_early_counts() -> None:
    policy = RefreshPolicy(early=(0.1, 0.2))
    assert refresh_instant(policy, T0, T0 + 1000, None, low) - T0 == pytest.approx(100)
    assert refresh_instant(policy, T0, T0 + 1000, None, high) - T0 == pytest.approx(200)


# failures in a row, seconds left or None → shortest and longest pause
RETRY = [
    (1, None, 5, 10),  # U(5, 10), doubling
    (2, None, 10, 20),
    (3, None, 20, 40),
    (6, None, 150, 300),  # at most 300 s
    (7, None, 150, 300),
    (1_000_000, None, 150, 300),
    (1, 3600, 5, 10),
    (9, 3600, 150, 300),
    (9, 800, 100, 200),  # at most a quarter of what is left
    (1, 20, 2.5, 5),
    (1, 4, 0.5, 1),  # but a second
    (1, 0.1, 0.5, 1),
    (9, 0, 0.5, 1),
    (9, -5, 0.5, 1),
]


@pytest.mark.parametrize(("failures", "left", "shortest", "longest"), RETRY)
def test_after_a_failed_attempt_the_pause_doubles_and_fits_the_time_left(
    failures: int, left: float | None, shortest: float, longest: float
) -> None:
    assert retry_delay(POLICY, failures, left, 0, low) == pytest.approx(shortest)
    assert retry_delay(POLICY, failures, left, 0, high) == pytest.approx(longest)


@pytest.mark.parametrize(("quiet", "pause"), [(0, 10), (9.9, 10), (10.1, 10.1), (3600, 3600)])
def test_retry_after_is_a_floor(quiet: float, pause: float) -> None:
    assert retry_delay(POLICY, 1, None, quiet, high) == pause
    # and the only thing that may reach past the token's end
    assert retry_delay(POLICY, 1, 1.0, quiet, high) == max(quiet, 1.0)


QUIET = [
    (None, 0, 0),
    (0, 0, 0),
    (-1, 0, 0),
    (math.nan, 0, 0),
    (0.5, 0.5, 0.6),
    (30, 30, 36),  # plus up to a fifth, so that a fleet does not come back together
    (3000, 3000, 3600),
    (3500, 3500, 3600),  # capped at an hour
    (3600, 3600, 3600),
    (1e9, 3600, 3600),
    (math.inf, 3600, 3600),
]


@pytest.mark.parametrize(("retry_after", "shortest", "longest"), QUIET)
def test_retry_after_is_believed_up_to_an_hour(retry_after: float | None, shortest: float, longest: float) -> None:
    assert quiet_time(POLICY, retry_after, low) == pytest.approx(shortest)
    assert quiet_time(POLICY, retry_after, high) == pytest.approx(longest)


def test_the_policy_s_fields_have_the_contract_s_defaults() -> None:
    """`RefreshPolicy` fields: early=(0.5, 0.8), wait=30, retry_first=5, retry_max=300, retry_after_max=3600,
    remember_error=5, forced_renewal_every=60."""
    assert vars(POLICY) == {
        "early": (0.5, 0.8),
        "wait": 30,
        "retry_first": 5,
        "retry_max": 300,
        "retry_after_max": 3600,
        "remember_error": 5,
        "forced_renewal_every": 60,
    }


SECONDS = ["wait", "retry_first", "retry_max", "retry_after_max", "remember_error", "forced_renewal_every"]


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", [-1, -0.001, math.nan, math.inf, "30", None])
def test_a_number_of_seconds_that_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"RefreshPolicy\.{name} "):
        RefreshPolicy(**{name: value})


@pytest.mark.parametrize("name", SECONDS)
def test_zero_seconds_can_be(name: str) -> None:
    assert vars(RefreshPolicy(**{name: 0}))[name] == 0


@pytest.mark.parametrize(
    "early", [(0, 0.5), (0.5, 1), (0.8, 0.5), (-0.1, 0.5), (math.nan, 0.5), (0.5,), (0.1, 0.2, 0.3), 0.5, ("a", "b")]
)
def test_an_early_that_cannot_be_is_refused(early: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"RefreshPolicy\.early must be two shares"):
        RefreshPolicy(early=early)


def test_a_misspelt_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="retry_frist"):
        RefreshPolicy(retry_frist=1)  # type: ignore[call-arg]


def test_a_policy_is_a_frozen_value() -> None:
    policy = RefreshPolicy(early=[0.1, 0.2])  # type: ignore[arg-type]
    assert policy == RefreshPolicy(early=(0.1, 0.2))
    assert hash(policy) == hash(RefreshPolicy(early=(0.1, 0.2)))
    with pytest.raises(AttributeError):
        policy.wait = 1.0  # type: ignore[misc]
