"""fresh: two clock reads, two compares; no lock, no I/O, no object made by us."""

from __future__ import annotations

import gc
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import SCOPE
from entra_tokens import AsyncTokenProvider, Token, TokenProvider
from entra_tokens.testing import ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = 100_000


@pytest.fixture
def provider() -> Iterator[TokenProvider]:
    with fresh_engine():  # the machine's own clocks
        made = TokenProvider(ScriptedCredential(), SCOPE)
        made.token()
        made.get_token()
        yield made


def step(coroutine: Any) -> Any:
    """What a coroutine returns that does not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited")


def sync_calls(provider: TokenProvider) -> list[Callable[[], Any]]:
    return [provider.token, provider, provider.get_token, lambda: provider.get_token(SCOPE)]


def async_calls(provider: TokenProvider) -> list[Callable[[], Any]]:
    other = provider.as_async()
    return [
        lambda: step(other.token()),
        lambda: step(other()),
        lambda: step(other.get_token()),
        lambda: step(other.get_token(SCOPE)),
    ]


@pytest.mark.parametrize("calls", [sync_calls, async_calls])
@pytest.mark.parametrize("which", range(4))
def test_a_hundred_thousand_calls_leave_no_object_behind(
    provider: TokenProvider, calls: Callable[[TokenProvider], list[Callable[[], Any]]], which: int
) -> None:
    """fresh: no object made by us."""
    call = calls(provider)[which]

    def storm() -> int:
        before = sys.getallocatedblocks()
        for _ in range(CALLS):
            call()
        return sys.getallocatedblocks() - before

    gc.collect()
    gc.disable()
    try:
        storm()
        assert min(storm() for _ in range(3)) < 50
    finally:
        gc.enable()


@pytest.mark.parametrize("which", range(4))
def test_a_fresh_call_runs_no_function_of_ours_but_its_own(provider: TokenProvider, which: int) -> None:
    """fresh: two clock reads, two compares."""
    ours: list[str] = []
    clocks: list[str] = []

    def watch(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and "entra_tokens" in frame.f_code.co_filename:
            ours.append(frame.f_code.co_name)
        if event == "c_call":
            clocks.append(argument.__name__)

    call = [provider.token, provider, provider.get_token, lambda: provider.get_token(SCOPE)][which]
    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    assert ours in (["token"], ["__call__", "token"], ["get_token"])
    assert clocks.count("time") == 1
    assert len([name for name in clocks if name not in {"setprofile", "get"}]) <= 2


def test_a_fresh_call_waits_for_no_lock_of_anybody(provider: TokenProvider) -> None:
    """fresh: no lock."""
    shared = provider._shared
    assert shared is not None
    cell, engine = shared.cell, shared.engine
    got: list[Any] = []

    def call() -> None:
        got.extend([provider.token(), provider(), provider.get_token(), provider.authorization()])
        got.extend([step(provider.as_async().token()), step(provider.as_async().get_token(SCOPE))])

    with cell._lock, engine._lock, engine.keeper._lock, cell.listeners._lock:
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
    assert len(got) == 6


def test_an_asynchronous_fresh_call_does_not_even_yield(provider: TokenProvider) -> None:
    """fresh: returns at once."""
    other = provider.as_async()
    for coroutine in (other.token(), other(), other.get_token(), other.azure_token(), other.authorization()):
        step(coroutine)
    step(AsyncTokenProvider(provider, SCOPE).token())


def test_a_status_and_a_refused_invalidation_cost_no_thread(provider: TokenProvider) -> None:
    before = set(threading.enumerate())  # the flight's own thread may be about to end
    for _ in range(1000):
        provider.status()
        provider.invalidate("another")
    assert set(threading.enumerate()) <= before


def test_a_stale_call_during_its_renewal_is_as_fast_as_a_fresh_one() -> None:
    """stale: returns the current token at once, without a lock while the one renewal flies."""
    from entra_tokens.testing import ManualClock

    clock, credential = ManualClock(), ScriptedCredential()
    with fresh_engine(clock):
        provider = TokenProvider(credential, SCOPE)
        first = provider.token()
        clock.advance(3000)
        credential.hold()
        assert provider.token() is first
        got: list[Token] = []
        with provider._cell._lock:
            thread = threading.Thread(target=lambda: got.append(provider.token()), daemon=True)
            thread.start()
            thread.join(30)
        credential.release()
    assert got == [first]
