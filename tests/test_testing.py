"""The public fakes."""

from __future__ import annotations

import threading

import pytest

from entra_tokens import AuthorityUnavailable, Token, TokenProvider, TokenRequest
from entra_tokens.engine.clock import Clock, ShiftedClock, Signal, SystemClock
from entra_tokens.engine.engine import current_engine
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

ASK = TokenRequest(("api://app",))


def test_a_manual_clock_moves_only_when_told() -> None:
    clock: Clock = ManualClock(start=100)
    assert isinstance(clock, ManualClock)
    assert (clock.wall(), clock.boot()) == (100, 0)
    clock.advance(5)
    assert (clock.wall(), clock.boot()) == (105, 5)
    clock.set_wall(-50)
    assert (clock.wall(), clock.boot()) == (55, 5)
    clock.suspend(7)
    assert (clock.wall(), clock.boot()) == (55, 12)


@pytest.mark.parametrize(("share", "drawn"), [(0, 2), (0.5, 3), (1, 4)])
def test_its_randomness_is_a_share(share: float, drawn: float) -> None:
    clock = ManualClock(share=share)
    assert clock.uniform(2, 4) == drawn


def test_sleepers_wake_when_it_has_moved_enough_or_are_woken() -> None:
    clock, wake = ManualClock(), Signal()
    woken: list[bool] = []
    threads = [threading.Thread(target=lambda: woken.append(clock.sleep(10, wake))) for _ in range(2)]
    threads[0].start()
    assert clock.wait_for_sleepers(1)
    clock.advance(9)
    assert threads[0].is_alive()
    clock.advance(1)
    threads[0].join(30)
    assert woken == [False]
    threads[1].start()
    assert clock.wait_for_sleepers(1)
    wake.set()
    threads[1].join(30)
    assert woken == [False, True]
    assert not clock.wait_for_sleepers(1, timeout=0.01)
    assert clock.sleep(10, wake) is True, "set already"


def test_watchers_hear_of_every_move() -> None:
    clock, heard = ManualClock(), []
    clock.watch(lambda: heard.append((clock.wall(), clock.boot())))
    clock.advance(1)
    clock.set_wall(1)
    clock.suspend(1)
    assert len(set(heard)) == 3


def test_a_scripted_credential_does_as_told_and_counts() -> None:
    token = Token("given", expires_on=2e9)
    credential = ScriptedCredential(token, AuthorityUnavailable("down"), lambda request: token)
    assert credential.acquire(ASK) is token
    with pytest.raises(AuthorityUnavailable):
        credential.acquire(ASK)
    assert credential.acquire(ASK) is token
    assert credential.acquire(ASK) is token, "the last entry counts again"
    assert credential.calls == 4
    assert credential.requests == [ASK] * 4
    assert repr(credential) == "ScriptedCredential(calls=4)"
    credential.answer()
    assert credential.acquire(ASK) == "token-5"


def test_it_holds_calls_at_the_gate() -> None:
    credential = ScriptedCredential()
    credential.hold()
    thread = threading.Thread(target=lambda: credential.acquire(ASK))
    thread.start()
    assert credential.wait_for_call()
    assert not credential.wait_for_call(timeout=0.01)
    assert thread.is_alive()
    credential.release()
    thread.join(30)
    assert not thread.is_alive()


def test_its_tokens_live_by_the_clock_of_whoever_asks() -> None:
    clock = ManualClock(start=1000)
    with fresh_engine(clock):
        token = TokenProvider(ScriptedCredential(lifetime=60, refresh_in=20), "api://app").token()
    assert token.expires_on == 1060
    assert token.refresh_on == 1020
    assert token.scopes == ("api://app/.default",)


def test_each_is_its_own_identity_unless_given_one() -> None:
    first, second = ScriptedCredential(), ScriptedCredential()
    assert first.identity != second.identity
    assert ScriptedCredential(identity=("a",)).identity == ("a",)
    assert ScriptedCredential(tenant_id="t", interactive=True).tenant_id == "t"


def test_a_fresh_engine_is_there_inside_the_block_only() -> None:
    outside = current_engine()
    with fresh_engine() as first:
        assert current_engine() is first is not outside
        with fresh_engine(ManualClock()) as second:
            assert current_engine() is second
        assert current_engine() is first
    assert current_engine() is outside
    with pytest.raises(RuntimeError), fresh_engine():
        raise RuntimeError
    assert current_engine() is outside


def test_time_passes_at_once_on_any_clock() -> None:
    """For emulators: `engine.advance`."""
    for clock in (ManualClock(), None):
        with fresh_engine(clock) as engine:
            provider = TokenProvider(ScriptedCredential(lifetime=3600), "api://app")
            first = provider.token()
            engine.advance(1000)
            assert provider.token() is first
            engine.advance(2600)
            assert provider.token() == "token-2"
            assert provider.token().expires_on > first.expires_on + 3599


def test_a_clock_can_be_shifted_as_often_as_one_likes() -> None:
    with fresh_engine() as engine:
        provider = TokenProvider(ScriptedCredential(lifetime=1e6), "api://app")
        start = engine.clock.wall()
        first = provider.token()
        for _ in range(5000):
            engine.advance(1)
        assert provider.token() is first
        assert 5000 <= engine.clock.wall() - start < 5060
    assert ShiftedClock(SystemClock(), 10).boot() > SystemClock().boot() + 9
