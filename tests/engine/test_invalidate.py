"""What a 401 does: compare-and-set, one forced renewal a minute, the old token while the new one fails."""

from __future__ import annotations

import threading

import pytest

from engine.faces import Call, Face, flight_of, landed, waiting
from entra_tokens import AuthorityUnavailable, InvalidCredential, RefreshPolicy, Token, TokenTimeout
from entra_tokens.testing import ManualClock, ScriptedCredential


def test_only_the_token_that_is_held_can_be_invalidated(face: Face, credential: ScriptedCredential) -> None:
    """invalidate: compare-and-set, only if the held token is that one is it marked refused and renewed."""
    provider = face.provider(credential)
    assert provider.invalidate() is False
    assert provider.invalidate("token-1") is False
    assert credential.calls == 0
    first = face.run(provider.token)
    assert provider.invalidate("another") is False
    assert provider.invalidate("") is False
    assert provider.invalidate(Token("another", expires_on=2e9)) is False
    assert face.run(provider.token) is first
    assert provider.invalidate(str(first)) is True
    assert face.run(provider.token) == "token-2"
    assert provider.invalidate(first) is False, "that one is gone"
    assert credential.calls == 2


def test_the_next_caller_waits_for_the_forced_renewal(face: Face, credential: ScriptedCredential) -> None:
    """invalidate: the held token is marked refused and renewed."""
    provider = face.provider(credential)
    face.run(provider.token)
    credential.hold()
    assert provider.invalidate() is True
    call = Call(lambda _: face.many(10, provider.token))
    waiting(provider, 10)
    credential.release()
    assert {str(token) for token in call.result()} == {"token-2"}


def test_a_burst_of_401s_on_one_token_costs_one_request(face: Face, credential: ScriptedCredential) -> None:
    """A burst of 401s on one token costs one request."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.hold()
    gate = threading.Barrier(20)

    def refused(_: Call) -> int:
        gate.wait(30)
        return sum(provider.invalidate(first) for _ in range(25))

    assert sum(call.result() for call in [Call(refused) for _ in range(20)]) == 1
    credential.release()
    landed(provider)
    assert sum(provider.invalidate(first) for _ in range(500)) == 0
    assert credential.calls == 2


def test_at_most_one_forced_renewal_a_minute(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """At most one forced renewal a minute per entry, else `False`: a second 401 on the new token makes no loop."""
    provider = face.provider(credential)
    face.run(provider.token)
    for passed in range(0, 300, 5):
        assert provider.invalidate() is (passed % 60 == 0)
        face.run(provider.token)
        clock.advance(5)
    assert credential.calls == 6


def test_how_often_is_the_policy_s(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    provider = face.provider(credential, policy=RefreshPolicy(forced_renewal_every=5))
    face.run(provider.token)
    assert provider.invalidate()
    face.run(provider.token)
    clock.advance(4.9)
    assert not provider.invalidate()
    clock.advance(0.2)
    assert provider.invalidate()


def test_the_refused_token_is_still_served_if_its_renewal_fails(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """It is still served if that renewal fails and it lives."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.hold()
    credential.answer(InvalidCredential("the secret has expired"))
    assert provider.invalidate(first) is True
    call = Call(lambda _: face.many(5, provider.token))
    waiting(provider, 5)
    credential.release()
    assert all(token is first for token in call.result())
    assert face.run(provider.token) is first
    assert credential.calls == 2
    assert provider.status().state == "stale"
    clock.advance(7.6)  # and renewed by the back-off
    credential.answer()
    face.run(provider.token)
    landed(provider)
    assert face.run(provider.token) == "token-3"


def test_a_caller_that_will_not_wait_gets_the_refused_token(face: Face, credential: ScriptedCredential) -> None:
    """It is still served while that renewal hangs, to whoever's patience is over."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.hold()
    assert provider.invalidate()
    assert face.run(provider.token, timeout=0) is first


def test_a_forced_renewal_that_hangs_does_not_make_every_caller_wait(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """While the held token is unexpired no call fails and none waits: a 401's renewal that hangs is waited for at most
    for `wait` seconds in all."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.hold()
    assert provider.invalidate()
    waits = face.start(provider.token)
    waiting(provider, 1)
    clock.advance(30)
    assert face.run(provider.token) is first
    with provider._cell._lock:  # whoever needs the lock now would hang
        assert face.start(provider.token).result() is first
    credential.release()
    assert waits.result() == "token-2"


def test_a_refused_token_that_runs_out_is_served_no_more(face: Face, clock: ManualClock) -> None:
    credential = ScriptedCredential(lifetime=60)
    provider = face.provider(credential)
    face.run(provider.token)
    credential.hold()
    assert provider.invalidate()
    clock.advance(60)
    with pytest.raises(TokenTimeout):
        face.run(provider.token, timeout=0)
    credential.release()


def test_a_running_retry_after_is_not_overrun(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """invalidate: none against a running `Retry-After`."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.answer(AuthorityUnavailable("slow down", retry_after=100))
    clock.advance(2340)
    face.run(provider.token)
    landed(provider)
    assert provider.invalidate(first) is False
    assert face.run(provider.token) is first
    assert credential.calls == 2
    clock.advance(111)
    assert provider.invalidate(first) is True
    landed(provider)
    assert credential.calls == 3


def test_an_ordinary_pause_does_not_hold_a_forced_renewal_back(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.answer(AuthorityUnavailable("down"))
    clock.advance(2340)
    face.run(provider.token)
    landed(provider)
    credential.answer()
    assert provider.invalidate(first) is True
    assert face.run(provider.token) == "token-3"


def test_a_background_flight_in_progress_serves_as_the_forced_one(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """A burst of 401s on one token costs one request, also when it is being renewed anyway."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    clock.advance(2340)
    credential.hold()
    face.run(provider.token)
    assert provider.invalidate(first) is True
    call = face.start(provider.token)
    waiting(provider, 1)
    credential.release()
    assert call.result() == "token-2"
    assert credential.calls == 2


def test_an_expired_token_needs_no_forcing(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    provider = face.provider(credential)
    first = face.run(provider.token)
    clock.advance(3600)
    assert provider.invalidate(first) is False
    assert flight_of(provider) is None
    assert face.run(provider.token) == "token-2"


def test_all_providers_of_one_identity_are_invalidated_together(face: Face) -> None:
    """Two faces, any number of providers: one entry."""
    first, second = (face.provider(ScriptedCredential(identity=("one",))) for _ in range(2))
    token = face.run(first.token)
    assert second.invalidate(token)
    assert not first.invalidate(token)
    assert face.run(first.token) == face.run(second.token) != token
