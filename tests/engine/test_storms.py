"""Many callers at once: threads, tasks and loops; one request, in success and in failure."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from engine.faces import SCOPE, Call, Face, landed, until, waiting
from entra_tokens import AsyncTokenProvider, AuthorityUnavailable, Token, TokenProvider, TokenRequest
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable

DOWN = AuthorityUnavailable("down", status=503)


def test_200_threads_and_1000_tasks_cold_make_one_request(face: Face, credential: ScriptedCredential) -> None:
    """One flight however many threads or tasks wait."""
    count = 1000 if face.asynchronous else 200
    provider = face.provider(credential)
    credential.hold()
    threads = threading.active_count()
    call = Call(lambda _: face.many(count, provider.token))
    waiting(provider, count)
    if face.asynchronous:
        assert threading.active_count() <= threads + 2, "a waiting task holds no thread"
    credential.release()
    tokens = call.result()
    assert len(tokens) == count
    assert {id(token) for token in tokens} == {id(face.run(provider.token))}
    assert credential.calls == 1


def test_200_threads_and_1000_tasks_cold_share_one_failure(face: Face, credential: ScriptedCredential) -> None:
    """Everyone who waited gets an equal error of their own."""
    count = 1000 if face.asynchronous else 200
    provider = face.provider(credential)
    credential.answer(DOWN)
    credential.hold()
    call = Call(lambda _: face.many(count, provider.token))
    waiting(provider, count)
    credential.release()
    errors = call.result()
    assert all(error == DOWN for error in errors)
    assert len({id(error) for error in errors}) == count
    assert credential.calls == 1


@pytest.mark.parametrize("succeeds", [True, False])
def test_threads_and_three_loops_at_once_make_one_request(credential: ScriptedCredential, succeeds: bool) -> None:
    """One flight however many threads, tasks, loops and provider objects with the same identity wait."""
    from engine.faces import AsyncioFace, TrioFace

    if not succeeds:
        credential.answer(DOWN)
    credential.hold()
    sync = TokenProvider(credential, SCOPE)
    another = AsyncTokenProvider(credential, SCOPE)
    calls = [
        Call(lambda _: Face().many(40, sync.token)),
        Call(lambda _: AsyncioFace().many(40, sync.as_async().token)),
        Call(lambda _: AsyncioFace().many(40, another.token)),
        Call(lambda _: TrioFace().many(40, another.get_token)),
    ]
    waiting(sync, 160)
    credential.release()
    outcomes = [each for call in calls for each in call.result()]
    assert len(outcomes) == 160
    assert credential.calls == 1
    if succeeds:
        assert {str(getattr(each, "token", each)) for each in outcomes} == {"token-1"}
    else:
        assert len({id(each) for each in outcomes}) == 160
        assert all(isinstance(each, AuthorityUnavailable) and each.message == "down" for each in outcomes)


def test_ten_providers_with_one_identity_make_one_request(face: Face) -> None:
    """One flight however many provider objects with the same identity wait."""
    credentials = [ScriptedCredential(identity=("the", "same")) for _ in range(10)]
    for each in credentials:
        each.hold()
    providers = [face.provider(each) for each in credentials]
    calls = [face.start(provider.token) for provider in providers]
    waiting(providers[0], 10)
    for each in credentials:
        each.release()
    assert len({id(call.result()) for call in calls}) == 1
    assert sum(each.calls for each in credentials) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"identity": ("another",)},
        {"scope": "api://other"},
        {"scope": ["api://app/.default", "openid"]},
        {"tenant_id": "elsewhere"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_differs_in_the_key_never_shares_a_token(face: Face, other: dict[str, Any]) -> None:
    """Two credentials that differ in any of this never share a token."""
    other = dict(other)
    mine = ScriptedCredential(identity=("mine",))
    theirs = ScriptedCredential(
        lambda request: Token("theirs", expires_on=2e9), identity=other.pop("identity", ("mine",))
    )
    assert face.run(face.provider(mine).token) == "token-1"
    assert face.run(face.provider(theirs, other.pop("scope", SCOPE), **other).token) == "theirs"
    assert face.run(face.provider(mine).token) == "token-1"


def test_a_foreign_object_is_keyed_by_itself(face: Face) -> None:
    """A foreign object is keyed by itself, held."""

    class Foreign:
        def __init__(self, name: str) -> None:
            self.name = name

        def get_token(self, *scopes: str, **kwargs: Any) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken(self.name, 2_000_000_000)

    first, second = Foreign("first"), Foreign("second")
    assert face.run(face.provider(first).token) == "first"
    assert face.run(face.provider(second).token) == "second"
    assert face.run(face.provider(first).token) == "first"


# ---- botocore's race


LIFE = 10.0


class Numbered(ScriptedCredential):
    """The n-th token says n, and expires at an instant that only the n-th has."""

    def __init__(self) -> None:
        super().__init__(lifetime=LIFE)
        self.issued: dict[str, float] = {}

    def issue(self, value: str, request: TokenRequest) -> Token:
        token = super().issue(value, request)
        self.issued[value] = token.expires_on
        return token


class Reader:
    """Reads and looks; time passes with the reads, so that tokens expire however fast the machine is."""

    def __init__(self, clock: ManualClock, credential: Numbered) -> None:
        self.clock = clock
        self.credential = credential
        self.wrong: list[str] = []

    def look(self, number: int, before: float, token: Token) -> None:
        if token.expires_on != self.credential.issued[str(token)]:
            self.wrong.append(f"{token} expires at {token.expires_on}")
        if token.expires_on <= before:
            self.wrong.append(f"{token} had run out")
        if number % 50 == 0:
            self.clock.advance(LIFE / 50)

    def judge(self, start: float) -> None:
        assert self.wrong == []
        passed = self.clock.wall() - start
        assert passed > 5 * LIFE
        assert self.credential.calls > 5
        assert self.credential.calls <= math.ceil(passed / (0.65 * LIFE)) + 1


def test_twenty_threads_read_four_thousand_tokens_each_while_they_expire(clock: ManualClock) -> None:
    """Never more than one request per refresh instant; token and expiry never from different answers."""
    reader = Reader(clock, Numbered())
    provider = TokenProvider(reader.credential, SCOPE)
    start = clock.wall()
    gate = threading.Barrier(20)

    def read(_: Call) -> None:
        gate.wait(30)
        for number in range(4000):
            reader.look(number, clock.wall(), provider.token())

    for call in [Call(read) for _ in range(20)]:
        call.result()
    landed(provider)
    reader.judge(start)


def test_tasks_of_two_loops_read_while_tokens_expire(clock: ManualClock) -> None:
    """The same, on asyncio and trio at once."""
    reader = Reader(clock, Numbered())
    provider = AsyncTokenProvider(reader.credential, SCOPE)
    start = clock.wall()

    async def read(pause: Callable[[], Any]) -> None:
        for number in range(1000):
            reader.look(number, clock.wall(), await provider.token())
            if number % 10 == 0:
                await pause()

    async def on_asyncio() -> None:
        await asyncio.gather(*[read(lambda: asyncio.sleep(0)) for _ in range(10)])

    async def on_trio() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(read, lambda: trio.sleep(0))

    for call in [Call(lambda _: asyncio.run(on_asyncio())), Call(lambda _: trio.run(on_trio))]:
        call.result()
    landed(provider)
    reader.judge(start)


# ---- loops that come and go


def test_asyncio_run_three_times_with_one_provider(clock: ManualClock, credential: ScriptedCredential) -> None:
    """One provider may be used from many event loops: `asyncio.run` three times."""
    provider = AsyncTokenProvider(credential, SCOPE)
    for number in (1, 2, 3):

        async def main() -> list[Token]:
            return await asyncio.gather(*[provider.token() for _ in range(10)])

        assert {str(token) for token in asyncio.run(main())} == {f"token-{number}"}
        clock.advance(3600)
    assert credential.calls == 3


def test_a_loop_closed_in_flight_hurts_nobody(face: Face, credential: ScriptedCredential) -> None:
    """One provider may be used from many event loops: one is closed while it waits."""
    if not face.asynchronous:
        return
    provider = face.provider(credential)
    credential.hold()
    leaving = face.start(provider.token)
    waiting(provider, 1)
    leaving.cancel()
    leaving.result()
    waiting(provider, 0)
    staying = face.start(provider.token)
    waiting(provider, 1)
    credential.release()
    assert staying.result() == "token-1"
    assert credential.calls == 1


def test_a_loop_that_is_dropped_with_its_waiters_hurts_nobody(credential: ScriptedCredential) -> None:
    """A loop closed in flight, its waiting task never finished."""
    provider = AsyncTokenProvider(credential, SCOPE)
    credential.hold()
    loop = asyncio.new_event_loop()
    task = loop.create_task(provider.token())
    loop.run_until_complete(asyncio.sleep(0))
    waiting(provider, 1)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # what this test does on purpose
    loop.close()
    credential.release()
    landed(provider)
    assert TokenProvider(credential, SCOPE).token() == "token-1"
    coroutine = task.get_coro()
    assert coroutine is not None
    coroutine.close()  # type: ignore[union-attr]


def test_waiters_with_different_patience(face: Face, credential: ScriptedCredential) -> None:
    """A timed-out waiter leaves alone: followers with different deadlines."""
    provider = face.provider(credential)
    credential.hold()
    calls = [face.start(provider.token, timeout=limit) for limit in (0.01, 0.03, 0.05, None, 60)]
    for call in calls[:3]:
        assert isinstance(call.error(), TimeoutError)
    waiting(provider, 2)
    credential.release()
    assert [call.result() for call in calls[3:]] == ["token-1"] * 2
    assert credential.calls == 1


def test_an_engine_of_its_own_shares_nothing(face: Face, credential: ScriptedCredential) -> None:
    """`fresh_engine(clock=…)`: an engine of its own."""
    outside = face.provider(credential)
    face.run(outside.token)
    with fresh_engine():
        inside = face.provider(credential)
        assert face.run(inside.token) == "token-2"
    assert face.run(face.provider(credential).token) == "token-1"
    assert face.run(inside.token) == "token-2"
    until(lambda: credential.calls == 2)
