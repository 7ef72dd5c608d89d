"""What the tests of this folder share: a provider on real sockets, and the bookkeeping of what it did there."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.faces import Face, until
from entra_tokens import ClientSecret, EntraTokensError, ManagedIdentity, RefreshPolicy, Token, TokenEvent
from entra_tokens.engine.clock import SystemClock
from entra_tokens.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator import Emulator

__all__ = ["HANG", "PATIENCE", "ImpatientClock", "Scene", "SleeplessClock", "caught", "client_secret", "settle"]

PATIENCE = 25.0  # seconds; a test that needs them has failed
HANG = 0.8  # seconds for a request that hangs; long enough for a good one, and to send it, on a busy machine
JUST = 0.001  # before and after an instant


class ImpatientClock(ManualClock):
    """A manual clock on which nobody sleeps: time jumps to the end of the sleep."""

    def sleep(self, seconds: float, wake: Any) -> bool:
        self.advance(seconds)
        return bool(wake.is_set())


class SleeplessClock(SystemClock):
    """The machine's clocks, for a credential by itself; its sleeps are over at once."""

    def sleep(self, seconds: float, wake: Any) -> bool:
        return bool(wake.is_set())


def settle() -> None:
    """Wait until every flight is over; each has a thread that was started before the call that wanted it returned."""
    for thread in threading.enumerate():
        if thread.name == "entra-tokens-flight":
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a flight does not land"


def caught(call: Callable[[], object]) -> EntraTokensError:
    """The error that a call raises."""
    try:
        call()
    except EntraTokensError as error:
        return error
    raise AssertionError("the call failed to fail")


def client_secret(e: Emulator, **options: Any) -> ClientSecret:
    """The emulator's registered application."""
    options = {"client_secret": e.client_secret, "authority": e.authority, "verify": e.ca_file, **options}
    return ClientSecret(e.tenant_id, e.client_id, **options)


@dataclass
class Scene:
    """One provider against the emulator, and what was counted when it was made."""

    e: Emulator
    clock: ManualClock
    face: Face
    credential: ClientSecret | ManagedIdentity
    policy: RefreshPolicy = field(default_factory=RefreshPolicy)
    target: str = "token"

    def __post_init__(self) -> None:
        self.events: list[TokenEvent] = []
        self.provider = self.face.provider(
            self.credential, self.e.h2ogpte_scope, policy=self.policy, on_event=self.events.append
        )
        self._requests = self._failures = 0

    def first_token(self) -> Token:
        """A token, however busy the machine is."""
        for _ in range(5):
            try:
                return self.call()
            except EntraTokensError as error:
                assert "no answer within" in str(error), error  # noqa: PT017 - anything else is a defect
                self.advance(self.policy.retry_max)
        raise AssertionError("the machine is too busy")

    def count_from_here(self) -> None:
        settle()
        self.events.clear()
        self._requests, self._failures = len(self._seen()), self.provider.status().failures

    def _seen(self) -> list[Any]:
        return [record for record in self.e.requests if record.target == self.target]

    @property
    def requests(self) -> int:
        """How many arrived since the count was started."""
        return len(self._seen()) - self._requests

    @property
    def failures(self) -> int:
        settle()
        return self.provider.status().failures - self._failures

    def news(self, kind: str) -> int:
        settle()
        return sum(event.kind == kind for event in self.events)

    def call(self) -> Token:
        token = self.face.run(self.provider.token)
        assert isinstance(token, Token)
        return token

    def many(self, count: int) -> list[Any]:
        """Tokens and errors of that many calls at once, and of whatever they started."""
        outcomes = self.face.many(count, self.provider.token)
        settle()
        return outcomes

    def error(self) -> EntraTokensError:
        found = caught(self.call)
        settle()
        return found

    def advance(self, seconds: float) -> None:
        self.e.advance(seconds)

    def advance_to(self, instant: float) -> None:
        self.e.advance(max(instant - self.clock.wall(), 0.0))

    @property
    def pause(self) -> float:
        """Seconds until the next attempt is allowed; 0 where nothing forbids it."""
        settle()
        until_ = self.provider.status().next_attempt
        return 0.0 if until_ is None else until_ - self.clock.wall()

    def wait_for(self, true: Callable[[], object], what: str) -> None:
        until(true, what)
