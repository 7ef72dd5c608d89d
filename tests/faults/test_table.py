"""Every fault, in every state, on every face: what a caller gets, and what the authority gets to see.

The authority's faults are real ones: closed ports, resets, silence, drips, pages. The clock of the engine moves only
when the test moves it, so that every instant is met to the millisecond.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import FACES, Face
from entra_tokens import AuthorityUnavailable, CredentialUnavailable, EntraTokensError, ManagedIdentity, Token
from faults.kit import HANG, JUST, PATIENCE, ImpatientClock, Scene, client_secret, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator import Emulator
    from entra_tokens.emulator.faults import Fault

LIFE = 3600.0


@dataclass(frozen=True)
class Case:
    """A fault, and what is to be said of it.

    Args:
        switch: The arguments of `Emulator.fail()`.
        status: The HTTP status that the error names.
        asked: Seconds of quiet that the error names: from, to.
        quiet: Seconds of quiet that are kept where the answer asked for them: from, to.
    """

    name: str
    switch: Callable[[float], dict[str, Any]]
    status: int | None = None
    asked: tuple[float, float] | None = None
    quiet: tuple[float, float] | None = None
    target: str = "token"

    @property
    def slow(self) -> bool:
        return self.name in ("hang", "slow_drip")


def fault(kind: str, status: int | None = None) -> Case:
    return Case(kind, lambda now: {"fault": kind}, status)


def status(number: int) -> Case:
    return Case(str(number), lambda now: {"status": number}, number)


def throttled(
    name: str,
    value: str | Callable[[float], str],
    asked: tuple[float, float] | None,
    quiet: tuple[float, float] | None = None,
) -> Case:
    def switch(now: float) -> dict[str, Any]:
        header = value if isinstance(value, str) else value(now)
        return {"status": 429, "headers": {"Retry-After": header}}

    return Case(f"429-{name}", switch, 429, asked, quiet)


def in_two_minutes(now: float) -> str:
    return formatdate(now + 120, usegmt=True)


CASES = [
    Case("refused", lambda now: {"fault": "refuse"}),
    fault("reset"),
    fault("hang"),
    fault("slow_drip"),
    status(500),
    status(503),
    throttled("seconds", "120", (120, 120), (120, 144)),
    throttled("date", in_two_minutes, (119, 120), (119, 144)),
    throttled("zero", "0", (0, 0)),
    throttled("negative", "-30", (0, 0)),
    throttled("huge", "1000000000", (3600, 3600), (3600, 3600)),
    throttled("junk", "in a while", None),
    fault("html", 200),
    fault("bad_json", 200),
    fault("empty", 200),
    fault("huge"),
    fault("expired"),
    Case("foreign_endpoint", lambda now: {"fault": "foreign_endpoint"}, target="discovery"),
]
PLAIN = [case for case in CASES if case.name != "foreign_endpoint"]


class Stage(Scene):
    """A scene with its fault."""

    def __init__(self, e: Emulator, clock: ImpatientClock, face: Face, case: Case, host: str | None = None) -> None:
        self.case, self.host = case, host
        timeout = HANG if case.slow else 2 * PATIENCE
        self._secret = e.client_secret
        credential: Any = (
            ManagedIdentity(timeout=timeout)
            if host
            else client_secret(e, client_secret=self._now_secret, timeout=timeout)
        )
        target = host or case.target
        super().__init__(e, clock, face, credential, target=target)

    def _now_secret(self) -> str:
        return self._secret

    def strike(self) -> Fault:
        """The fault begins, and it is the newest thing that the application meets."""
        self.count_from_here()
        target = "authority" if self.case.name == "refused" and not self.host else self.target
        if self.case.target == "discovery":
            # The document is read again when the secret has been rotated.
            self._secret = "rotated-" + self.e.client_secret
        return self.e.fail(target, **self.case.switch(self.clock.wall()))

    def heal(self) -> None:
        self.e.heal()
        self._secret = self.e.client_secret

    def saw(self, attempts: int, *, requests_each: int = 1) -> None:
        """Exactly that many attempts were made since the fault began, as told by all who can tell."""
        assert self.failures == self.news("renewal_failed") == attempts
        assert self.requests == (0 if self.case.name == "refused" else attempts * requests_each)

    def pause_is_right(self, attempts: int) -> None:
        """The pause after that many failures in a row is the policy's or the authority's."""
        low, high = self.case.quiet or (0.0, 0.0)
        if not self.case.quiet or (attempts > 1 and self.case.name == "429-date"):  # a date that is over says nothing
            left = self.provider.status().expires_on - self.clock.wall()
            high = min(10.0 * 2 ** (attempts - 1), max(1.0, min(300.0, left / 4)))
            low = high / 2
        assert low - JUST <= self.pause <= high + JUST

    def is_renewed(self) -> Token:
        """The authority is well again: the next attempt that is allowed brings another token."""
        self.heal()
        before = self.news("renewed")
        for _ in range(5 if self.case.slow else 1):  # whose time limit a busy machine may not keep
            self.advance(self.pause + JUST)
            self.face.many(1, self.provider.token)
            settle()
            if self.news("renewed") > before:
                break
        assert self.news("renewed") == before + 1
        status = self.provider.status()
        assert (status.state, status.last_error, status.next_attempt) == ("fresh", None, None)
        return self.call()


@pytest.fixture(params=[None, "imds"], ids=["client_secret", "imds"])
def host(request: pytest.FixtureRequest, e: Emulator, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Through msal, or from the metadata service."""
    if request.param:
        for name, value in e.environ(request.param).items():
            monkeypatch.setenv(name, value)
    chosen: str | None = request.param
    return chosen


def every(parameters: str) -> Callable[[Any], Any]:
    """Each case on each face through msal; from the metadata service, which is below both faces, on one."""
    table = [(case, face, None) for case in CASES for face in FACES] + [(case, FACES[0], "imds") for case in PLAIN]
    names = [f"{case.name}-{face.name}-{host or 'client_secret'}" for case, face, host in table]
    return pytest.mark.parametrize(parameters, table, ids=names, indirect=["host"])


@every("case, face, host")
@pytest.mark.parametrize("left", [1200.0, 50.0], ids=["stale", "last_minute"])
def test_a_held_token_is_served_at_once_whatever_the_authority_does(
    e: Emulator, clock: ImpatientClock, case: Case, face: Face, host: str | None, left: float
) -> None:
    stage = Stage(e, clock, face, case, host)
    held = stage.first_token()
    stage.advance_to(held.expires_on - left)
    stage.strike()

    # At once: the attempt that the calls started is held back until they have returned.
    gated = not case.slow and case.name != "refused"
    with e.hold(stage.target) if gated else nullcontext() as gate:
        assert face.run(stage.provider.token) is held
        assert all(token is held for token in face.many(20, stage.provider.token))
        assert gate is None or (gate.arrived.wait(PATIENCE) and gate.met == 1)
        assert gate is None or stage.events == []
    settle()
    stage.saw(1)
    stage.pause_is_right(1)
    assert stage.provider.status().state == "stale"

    # A back-off is kept to the millisecond.
    assert all(token is held for token in stage.many(20))
    if clock.wall() + stage.pause >= held.expires_on:
        _outlasts(stage, held)
        return
    stage.advance(stage.pause - JUST)
    assert all(token is held for token in stage.many(5))
    stage.saw(1)
    if not case.slow:
        stage.advance(2 * JUST)
        assert all(token is held for token in stage.many(5))
        stage.saw(2)
        if clock.wall() + stage.pause < held.expires_on:
            stage.pause_is_right(2)

    assert stage.is_renewed() != held


def _outlasts(stage: Stage, held: Token) -> None:
    """The authority asked for more quiet than the token has life: it is served to its end, and nothing is sent."""
    stage.advance_to(held.expires_on - JUST)
    assert all(token is held for token in stage.many(5))
    stage.advance(2 * JUST)
    error = stage.error()
    assert isinstance(error, AuthorityUnavailable)
    assert error.retry_after == pytest.approx(stage.pause, abs=JUST)
    stage.saw(1)
    assert stage.is_renewed() != held


@every("case, face, host")
def test_a_refused_token_is_served_on_if_its_renewal_fails(
    e: Emulator, clock: ImpatientClock, case: Case, face: Face, host: str | None
) -> None:
    """A resource said no to it; a caller waits for the one renewal that this brings about, and no longer."""
    stage = Stage(e, clock, face, case, host)
    held = stage.first_token()
    stage.advance(60)
    stage.strike()
    assert stage.provider.invalidate(held) is True
    assert all(token is held for token in stage.many(5))
    stage.saw(1)
    assert stage.provider.invalidate(held) is False
    assert all(token is held for token in stage.many(5))
    stage.saw(1)
    assert stage.is_renewed() != held


@every("case, face, host")
@pytest.mark.parametrize("cold", [False, True], ids=["expired", "cold"])
def test_without_a_token_the_failure_is_told_and_remembered(
    e: Emulator, clock: ImpatientClock, case: Case, face: Face, host: str | None, cold: bool
) -> None:
    stage = Stage(e, clock, face, case, host)
    if not cold:
        stage.advance_to(stage.first_token().expires_on)
    # Somebody waits: the metadata service is asked again as Microsoft advises, where it names no time itself.
    each = 5 if host and case.name in ("500", "503", "429-junk") else 1
    stage.strike()

    error = stage.error()
    _is_right(stage, error)
    stage.saw(1, requests_each=each)
    assert stage.provider.status().last_error == str(error)
    assert stage.provider.status().state == ("none" if cold else "expired")

    # A storm of callers costs nothing, and each gets an error of its own.
    again = stage.many(8)
    assert all(type(other) is type(error) and str(other) == str(error) for other in again)
    assert len({id(other) for other in [error, *again]}) == 9
    remembered = stage.pause if case.quiet else stage.policy.remember_error
    assert remembered >= 5.0
    stage.advance(remembered - JUST)
    _is_right(stage, stage.error(), remembered=True)
    stage.saw(1, requests_each=each)
    if not case.slow:
        stage.advance(2 * JUST)
        _is_right(stage, stage.error(), attempt=2)
        stage.saw(2, requests_each=each)

    assert stage.is_renewed() is stage.call()


def _is_right(stage: Stage, error: EntraTokensError, *, attempt: int = 1, remembered: bool = False) -> None:
    case, host, pause = stage.case, stage.host, stage.pause
    if host and case.name == "refused":
        assert type(error) is CredentialUnavailable  # nobody is there: a chain goes on
        return
    assert type(error) is AuthorityUnavailable
    assert error.status == case.status
    if case.asked is None:
        assert error.retry_after is None
    elif case.quiet is None:
        assert error.retry_after is not None
        assert 0 <= error.retry_after <= 5.0  # the authority asks for nothing: what is left of our own remembering
    elif attempt == 1 or case.name != "429-date":
        # The caller is told what will be kept: whoever waits that long is not turned away once more.
        assert error.retry_after == pytest.approx(pause, abs=JUST / 2)
        assert remembered or case.quiet[0] - JUST <= pause <= case.quiet[1] + JUST
    if case.slow:
        assert f"no answer within {HANG:g} s" in str(error)
    if case.name == "huge":
        assert "larger than 1 MiB" in str(error)
