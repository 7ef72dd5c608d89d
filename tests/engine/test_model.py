"""10,000 steps of whatever can happen, against the reference in model.py."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.faces import SCOPE, Call, until
from engine.model import Model, Plane
from entra_tokens import (
    AuthorityUnavailable,
    EntraTokensError,
    InvalidCredential,
    RefreshPolicy,
    Token,
    TokenProvider,
    TokenTimeout,
)
from entra_tokens.testing import ManualClock, fresh_engine

if TYPE_CHECKING:
    from entra_tokens import TokenRequest

POLICY = RefreshPolicy(wait=0.0005)
CLAIMS = [None, None, None, '{"a":1}', '{"b":2}']
# Instants that boundaries share are met by sums of these, too.
STEPS = [0.001, 0.5, 1, 2.999, 5, 7.5, 30, 60, 100, 600, 1260, 2340, 3600]
LIVES = [1, 60, 299, 3600, 86400]


class Pending:
    """A call at the gate, let through with the outcome that the machine chooses."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.outcome: Any = None


class Gated:
    """Every acquisition waits for the machine."""

    identity = ("gated",)
    tenant_id = None

    def __init__(self) -> None:
        self.pending: list[Pending] = []
        self.arrived = threading.Semaphore(0)

    def acquire(self, request: TokenRequest) -> Token:
        mine = Pending()
        self.pending.append(mine)
        self.arrived.release()
        mine.gate.wait(30)
        if isinstance(mine.outcome, BaseException):
            raise mine.outcome
        return mine.outcome  # type: ignore[no-any-return]


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.context = fresh_engine(self.clock)
        self.context.__enter__()
        self.credential = Gated()
        self.provider = TokenProvider(self.credential, SCOPE, policy=POLICY)
        self.model = Model(self.clock.wall())
        self.number = 0

    # ---- time

    @rule(seconds=st.sampled_from(STEPS))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.model.wall += seconds
        self.model.boot += seconds

    @rule(seconds=st.sampled_from([-7200, -60, -1, 1, 60, 7200]))
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.clock.set_wall(seconds)
        self.model.wall += seconds

    @rule(seconds=st.sampled_from([1, 600, 3600]))
    def the_machine_sleeps(self, seconds: float) -> None:
        self.clock.suspend(seconds)
        self.model.boot += seconds

    # ---- callers

    @rule(claims=st.sampled_from(CLAIMS))
    def a_call(self, claims: str | None) -> None:
        expected, launched = self.model.call(claims)
        assert self._outcome(claims) == expected
        self._at_the_gate(launched)

    @rule()
    def a_patient_call(self) -> None:
        expected, launched = self.model.call(None)
        if expected == "timeout":
            self._join(self.model.flying[None])
        else:
            assert self._outcome(None) == expected
        self._at_the_gate(launched)

    def _outcome(self, claims: str | None) -> str:
        try:
            if claims is None:
                token = str(self.provider.token(timeout=0))
            else:
                token = self.provider.get_token(claims=claims).token
        except TokenTimeout:
            return "timeout"
        except EntraTokensError:
            return "error"
        return "token" if self.model.held and token == self.model.held.value else f"another's: {token}"

    def _join(self, plane: Plane) -> None:
        count = len(plane.waiters) + 1
        plane.waiters.append(Call(lambda _: self.provider.token(timeout=60)))

        def joined() -> bool:
            flight = self.provider._cell._flights.get(None)
            return flight is not None and flight.waiters == count

        until(joined)

    @rule(what=st.sampled_from(["held", "any", "another"]))
    def a_401(self, what: str) -> None:
        held = self.model.held
        value = {"held": held.value if held else "nothing", "any": None, "another": "another"}[what]
        expected, launched = self.model.invalidate(value)
        assert self.provider.invalidate(value) is expected
        self._at_the_gate(launched)

    def _at_the_gate(self, launched: Plane | None) -> None:
        if launched is not None:
            assert self.credential.arrived.acquire(timeout=10), "the request that was due"
            launched.pending = self.credential.pending[-1]
            launched.real = self.provider._cell._flights[launched.claims]

    # ---- outcomes

    @property
    def _planes(self) -> list[Plane]:
        return [*self.model.flying.values(), *self.model.lost]

    @precondition(lambda self: self._planes)
    @rule(data=st.data(), life=st.sampled_from(LIVES), named=st.sampled_from([None, 0.3, 0.99, -1.0, 2.0]))
    def a_token_comes(self, data: Any, life: float, named: float | None) -> None:
        plane = data.draw(st.sampled_from(self._planes), label="of")
        self.number += 1
        value, now = f"t{self.number}", self.clock.wall()
        refresh_on = None if named is None else now + named * life
        waiting = self.model.land(plane, value, now + life, refresh_on)
        self._through(plane, Token(value, expires_on=now + life, refresh_on=refresh_on))
        assert [call.result() for call in plane.waiters] == [waiting] * len(plane.waiters)

    @precondition(lambda self: self._planes)
    @rule(
        data=st.data(),
        fault=st.sampled_from(["down", "retry 0", "retry 10", "retry 1e9", "invalid", "expired", "junk", "foreign"]),
    )
    def a_failure_comes(self, data: Any, fault: str) -> None:
        plane = data.draw(st.sampled_from(self._planes), label="of")
        outcomes: dict[str, Any] = {
            "down": AuthorityUnavailable("down"),
            "retry 0": AuthorityUnavailable("slow down", retry_after=0),
            "retry 10": AuthorityUnavailable("slow down", retry_after=10),
            "retry 1e9": AuthorityUnavailable("slow down", retry_after=1e9),
            "invalid": InvalidCredential("no"),
            "expired": Token("old", expires_on=self.clock.wall()),
            "junk": None,
            "foreign": ValueError("a stranger's"),
        }
        retry_after = float(fault[6:]) if fault.startswith("retry") else None
        self.model.crash(plane, retry_after)
        self._through(plane, outcomes[fault])
        for call in plane.waiters:
            if self.model.usable:
                assert self.model.held is not None
                assert call.result() == self.model.held.value
            else:
                assert isinstance(call.error(), EntraTokensError)
                assert not isinstance(call.error(), TokenTimeout)

    def _through(self, plane: Plane, outcome: Any) -> None:
        plane.pending.outcome = outcome
        plane.pending.gate.set()
        assert plane.real.landed.wait(30)

    # ---- what always holds

    @invariant()
    def engine_and_model_agree(self) -> None:
        model, status = self.model, self.provider.status()
        assert len(self.credential.pending) == model.launched, "requests"
        assert status.state == model.state
        assert (status.renewals, status.failures) == (model.renewals, model.failures)
        assert status.expires_on == (model.held.expires if model.held else None)
        if model.next_try > model.boot:
            assert status.next_attempt is not None
            assert abs(status.next_attempt - (model.wall + model.next_try - model.boot)) < 1e-3
        else:
            assert status.next_attempt is None

    @invariant()
    def while_a_token_lives_no_call_fails(self) -> None:
        if self.model.usable and not self.model.stale:
            self.model.call(None)  # which notices an overdue flight, as the engine does
            token = self.provider.token(timeout=0)
            assert token.expires_on > self.clock.wall()

    def teardown(self) -> None:
        for plane in self._planes:
            self._through(plane, AuthorityUnavailable("the end"))
            for call in plane.waiters:
                call.error()
        self.context.__exit__(None, None, None)


def test_ten_thousand_steps_against_the_reference() -> None:
    """Model-based: time on both clocks, faults, calls, challenges, 401s, waiters that stay and that leave."""
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=200,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],  # to explain, it would trace every line of every example
            suppress_health_check=list(HealthCheck),
        ),
    )
