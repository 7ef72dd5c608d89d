"""What is held for one key, and what may be done about it at this instant.

    state      a call                         behind it
    ─────      ──────                         ─────────
    fresh      the token, no lock             nothing
    stale      the token, no lock             one background flight, unless one flies or a back-off forbids it
    refused    waits for the forced flight,   one forced flight (`invalidate`), at most one a minute
               falls back on the token
    expired    waits for the flight           one flight, unless a failure is remembered

A cell decides and does no I/O. `wall_until` and `boot_until` are the instants up to which there is nothing to decide:
before them a caller takes `token` without asking anything else (`slot.py`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..errors import AuthorityUnavailable, EntraTokensError, InteractionRequired, TokenTimeout
from ..token import Token
from .backoff import Backoff
from .challenges import Challenges
from .events import Listeners
from .flight import Flight
from .foreign import name_of
from .held import Held, hold
from .slot import NEVER, Slot
from .status import news, picture

if TYPE_CHECKING:
    from ..credentials.protocol import Credential
    from ..request import TokenRequest
    from ..stores.protocol import Store
    from .engine import Engine
    from .policy import RefreshPolicy
    from .status import EventKind, ProviderStatus

__all__ = ["Cell"]


class Cell(Slot):
    """The token for one identity, scope, tenant and CAE choice. Any thread may call anything."""

    __slots__ = (
        "__weakref__", "_backoff", "_challenges", "_engine", "_flights", "_forced_until", "_lock", "_refused",
        "_told_expired", "credential", "listeners", "renewals", "request", "store",
    )  # fmt: skip

    def __init__(self, engine: Engine, credential: Credential, request: TokenRequest) -> None:
        super().__init__(engine.clock)
        self.credential: Credential = credential
        self.request: TokenRequest = request
        self.store: Store | None = None
        self.listeners: Listeners = Listeners()
        self.renewals: int = 0
        self._engine = engine
        self._lock = threading.Lock()
        self._backoff = Backoff()
        self._flights: dict[str | None, Flight] = {}  # by claims challenge
        self._challenges = Challenges()
        self._forced_until = NEVER
        self._refused = self._told_expired = False

    def ask(self, policy: RefreshPolicy, claims: str | None = None) -> Token | Flight:
        """The token, or the flight to wait for, among whose waiters the caller then is until it `leave`s.

        Raises:
            EntraTokensError: Nothing usable is held and a recent failure is remembered; an error of the caller's own.
        """
        with self._lock:
            answer, launch = self._decide(policy, claims)
            if isinstance(answer, Flight):
                answer.board()
        if launch is not None:
            launch.start(inline=launch is answer)
        return answer

    def renew(self, policy: RefreshPolicy) -> Flight | None:
        """Join or start a renewal of a token that may still be good; None where a back-off forbids it."""
        with self._lock:
            launch = None
            flight = self._flying(None)
            if flight is None:
                boot, usable = self.boot(), self.usable()
                if self._backoff.keeps_quiet(boot) or (usable and boot < self._backoff.next_try):
                    return None
                flight = launch = self._launch(policy, None, may_prompt=not usable)
            flight.waiters += 1
        if launch is not None:
            launch.start(inline=True)
        return flight

    def leave(self, flight: Flight) -> None:
        """Be no longer among a flight's waiters; the last one to leave an interactive flight stops its polling."""
        with self._lock:
            flight.waiters -= 1
            if flight.waiters == 0 and flight.may_prompt and self._interactive and flight.outcome is None:
                flight.deserted = True  # under the lock: from here on nobody joins it
        if flight.deserted:
            flight.abandoned.set()

    def settle(self, flight: Flight, policy: RefreshPolicy, claims: str | None = None) -> Token | Flight:
        """What a waiter gets when its wait is over, by landing or by running out of patience.

        Returns:
            The token; or another flight to wait for, where the one waited for could not prompt and this caller may.

        Raises:
            EntraTokensError: The flight failed and nothing usable is held; an instance of the caller's own.
            TokenTimeout: The flight goes on, and nothing usable is held.
        """
        outcome, held = flight.outcome, self.held  # each read once: other flights and the fork handler replace them
        if isinstance(outcome, Token):
            return outcome
        if claims is None and held is not None and held.usable(self.wall(), self.boot()):
            return held.token
        if outcome is None:
            raise TokenTimeout(
                f"{name_of(self.credential)} has not answered in time. The request goes on: call again, or wait longer "
                "(timeout=, RefreshPolicy.wait)."
            )
        if isinstance(outcome, InteractionRequired) and self._interactive and not flight.may_prompt:
            return self.ask(policy, claims)
        raise outcome.copy()

    def invalidate(self, policy: RefreshPolicy, refused: str | None) -> bool:
        """Mark the held token refused and renew it: only if it is that one, and at most once in a while."""
        with self._lock:
            boot, held = self.boot(), self.held
            if refused is not None and (held is None or held.token != refused):
                return False
            if self._backoff.keeps_quiet(boot) or boot < self._forced_until:
                return False
            self._backoff.forget()
            if held is None or not held.usable(self.wall(), boot):
                return False
            self._forced_until = boot + policy.forced_renewal_every
            self._refused = True
            self.held: Held | None = held.refused()
            launch = self._launch(policy, None, may_prompt=False) if self._flying(None) is None else None
            self._reopen()
            self.note("invalidated")
        if launch is not None:
            launch.start(inline=False)
        return True

    def _decide(self, policy: RefreshPolicy, claims: str | None) -> tuple[Token | Flight, Flight | None]:
        wall, boot, held = self.wall(), self.boot(), self.held
        flight = self._flying(claims)
        expired = False
        if held is not None:
            expired = not held.usable(wall, boot)
            if not expired and claims is not None and self._challenges.is_answered(claims, boot):
                return held.token, None
            # After a refusal callers wait for what replaces the token, but not for ever while it may still be good.
            refused = self._refused and flight is not None and boot < flight.started_boot + policy.wait
            if not expired and claims is None and not refused:
                launch = None
                if flight is None and held.stale(wall, boot) and boot >= self._backoff.next_try:
                    launch = self._launch(policy, None, may_prompt=False)
                self._refused = False
                self._reopen()
                return held.token, launch
        if flight is not None:
            return flight, None
        error = self._backoff.answer(claims, boot, self._interactive)
        if error is not None:
            raise error
        flight = self._launch(policy, claims, may_prompt=True, expired=expired)
        return flight, flight

    def land(self, flight: Flight, outcome: Token | EntraTokensError) -> Token | EntraTokensError:
        """Take a flight's outcome; returns the token as it is held, or the error."""
        with self._lock:
            # A flight that was given up, or that a fork left behind, is current no more; its token is as good as any.
            current = self._flights.get(flight.request.claims) is flight
            if current:
                del self._flights[flight.request.claims]
            if isinstance(outcome, Token) and outcome.expires_on <= self.wall():
                outcome = AuthorityUnavailable(
                    f"{name_of(self.credential)} got a token that had already expired. Check this machine's clock.",
                    anchor="the-clock",
                )
            if not isinstance(outcome, Token):
                outcome = self._fail(flight, outcome) if current else outcome
            elif self.held is not None and flight.request.claims is None and self._challenges.later_than(flight):
                # The resource wants what the challenge brought; a token that was asked for before it does not satisfy.
                outcome = self.held.token if self.usable() else self._store(flight, outcome)
                self._reopen()
            elif current or self.held is None or outcome.expires_on > self.held.token.expires_on:
                outcome = self._store(flight, outcome)
            flight.outcome = outcome
            self.note("renewed") if isinstance(outcome, Token) else self.note("renewal_failed", outcome)
        self._engine.landed(self)
        return outcome

    def _store(self, flight: Flight, token: Token) -> Token:
        held = hold(token, flight, self.clock)
        claims = flight.request.claims
        if claims is not None:
            self._challenges.answered(claims, self.boot(), flight.started_boot)
        self.hold(held)
        self._backoff.success()
        self.renewals += 1
        self._refused = self._told_expired = False
        self._reopen()
        return held.token

    def _fail(self, flight: Flight, error: EntraTokensError) -> EntraTokensError:
        self._refused = self._refused and flight.request.claims is not None
        if flight.deserted:
            self._backoff.left_alone(error)
        else:
            error = self._backoff.failure(
                flight.request.claims,
                error,
                policy=flight.policy,
                clock=self.clock,
                time_left=self.time_left(),
                may_prompt=flight.may_prompt,
            )
        self._reopen()
        return error

    def due_in(self) -> float | None:
        """Seconds until somebody should look at this cell again; None before it ever held a token."""
        with self._lock:
            held, flight = self.held, self._flights.get(None)
            if held is None:
                return None
            if flight is not None:
                return max(0.0, flight.overdue_at - self.boot())
            if not self.usable():
                return max(0.0, self._backoff.next_try - self.boot())
            return max(0.0, min(self.wall_until - self.wall(), self.boot_until - self.boot()))

    def renew_if_due(self, policy: RefreshPolicy) -> None:
        """Renew in the background if the token is stale or has run out, and no back-off forbids it."""
        launch = None
        with self._lock:
            held, wall, boot = self.held, self.wall(), self.boot()
            if held is None or not held.stale(wall, boot):
                return
            if self._flying(None) is None and boot >= self._backoff.next_try:
                launch = self._launch(policy, None, may_prompt=False, expired=not held.usable(wall, boot))
                self._reopen()
        if launch is not None:
            launch.start(inline=False)

    def _flying(self, claims: str | None) -> Flight | None:
        """The flight to join, if there is one that will land; one that is overdue counts as failed."""
        flight = self._flights.get(claims)
        if flight is None or flight.deserted:
            return None
        if self.boot() > flight.overdue_at:
            del self._flights[claims]
            self._fail(flight, AuthorityUnavailable(f"{name_of(self.credential)} does not answer. Call again later."))
            return None
        return flight

    def _launch(self, policy: RefreshPolicy, claims: str | None, *, may_prompt: bool, expired: bool = False) -> Flight:
        request = self.request if claims is None else self.request.replaced(claims=claims)
        if expired and not self._told_expired:
            self._told_expired = True
            self.note("expired")
        flight = Flight(self, request, policy, self._engine.sign_ins, may_prompt=may_prompt)
        self._flights[claims] = flight
        return flight

    def _reopen(self) -> None:
        if self._refused:
            return self.shut()
        flight = self._flights.get(None)
        return self.open(overdue_at=None if flight is None else flight.overdue_at, next_try=self._backoff.next_try)

    @property
    def _interactive(self) -> bool:
        return bool(getattr(self.credential, "interactive", False))

    def status(self) -> ProviderStatus:
        """A consistent picture of this instant."""
        with self._lock:
            return picture(self, self._backoff)

    def note(self, kind: EventKind, error: EntraTokensError | None = None) -> None:
        """Note an event, for the next flight to tell when it has landed."""
        self.listeners.note(lambda: news(self, kind, self._engine.digest(self), error))

    def renew_after_fork(self) -> None:
        """In a forked child: the parent's flights land there, and the refresh instant is drawn anew."""
        self._lock = threading.Lock()
        self._flights = {}
        self._refused = False
        self.listeners.renew_after_fork()
        held = self.held
        if held is not None:
            self.hold(held.redrawn(self.clock))
            self._reopen()
