"""Five seconds of everything at once, in real time: one-second tokens, a fifth of the requests spoiled, a crowd asking.

The one promise: while an unexpired token is held, no call fails. It is judged by what the callers and the provider's
own events wrote down, so a slow machine makes fewer calls and no false alarm.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import Call
from entra_tokens import ClientSecret, EntraTokensError, ManagedIdentity, TokenEvent, TokenProvider
from entra_tokens.emulator import Emulator
from entra_tokens.testing import fresh_engine
from faults.kit import client_secret, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 5.0
LIFE = 1.0
now = time.time  # noqa: TID251 - real time is the subject


@dataclass(frozen=True)
class Asked:
    """One call: when it began and ended, and what came."""

    begun: float
    ended: float
    outcome: Any


@pytest.fixture
def engine() -> Iterator[None]:
    with fresh_engine():
        yield
        settle()


def ask(call: Any) -> Asked:
    begun = now()
    try:
        outcome = call()
    except EntraTokensError as error:
        outcome = error
    return Asked(begun, now(), outcome)


async def ask_in_loop(call: Any) -> Asked:
    begun = now()
    try:
        outcome = await call()
    except EntraTokensError as error:
        outcome = error
    return Asked(begun, now(), outcome)


class Soaked:
    """A provider that a crowd of four threads and ten tasks asks, and what was written down of it."""

    def __init__(self, credential: ClientSecret | ManagedIdentity, scope: str) -> None:
        self.events: list[TokenEvent] = []
        self.asked: list[Asked] = []
        self.provider = TokenProvider(credential, scope, on_event=self.events.append)

    def in_thread(self, stop: threading.Event) -> None:
        while not stop.wait(0.002):
            self.asked.append(ask(self.provider.token))

    async def in_loop(self, stop: threading.Event) -> None:
        call = self.provider.as_async().token
        while not stop.is_set():
            self.asked.append(await ask_in_loop(call))
            await asyncio.sleep(0.005)

    def kept_its_promise(self, requests: int, lasted: float) -> None:
        held = [(event.at, event.expires_on) for event in self.events if event.kind == "renewed"]
        failed = [each for each in self.asked if isinstance(each.outcome, Exception)]
        given = [each for each in self.asked if not isinstance(each.outcome, Exception)]
        # A token that was there before the call began and lived on when it had ended: the call had no reason to fail.
        wrong = [each for each in failed if any(at <= each.begun and each.ended < until for at, until in held)]
        assert wrong == []
        # What was handed out had not run out when the call began.
        assert [each for each in given if each.outcome.expires_on <= each.begun] == []
        assert len({each.outcome for each in given}) >= 3
        assert len(self.asked) > 50
        # Half a life is the shortest way from one request to the next, whether it succeeded or not.
        assert requests <= lasted / (LIFE / 2) + 2
        failures = sum(event.kind == "renewal_failed" for event in self.events)
        assert requests == len(held) + failures
        assert failures == requests // 5  # every fifth


def test_no_call_fails_while_a_token_lives(engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    with Emulator(lifetime=LIFE) as e:
        for name, value in e.environ("imds").items():
            monkeypatch.setenv(name, value)
        e.fail("token", share=0.2, fault="reset")
        e.fail("imds", share=0.2, fault="html")
        soaked = {
            "token": Soaked(client_secret(e), e.h2ogpte_scope),
            "imds": Soaked(ManagedIdentity(), e.h2ogpte_scope),
        }

        async def main() -> None:
            await asyncio.gather(*[each.in_loop(stop) for each in soaked.values() for _ in range(10)])

        begun = now()
        crowd = [each for each in soaked.values() for _ in range(4)]
        calls = [Call(lambda _, each=each: each.in_thread(stop)) for each in crowd]  # type: ignore[misc]
        calls.append(Call(lambda _: asyncio.run(main())))
        stop.wait(SECONDS)
        stop.set()
        for call in calls:
            call.result()
        settle()
        lasted = now() - begun
        for target, each in soaked.items():
            each.kept_its_promise(sum(record.target == target for record in e.token_requests), lasted)
