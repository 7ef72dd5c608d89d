"""Claims challenges: they bypass what is held, and the answer replaces it."""

from __future__ import annotations

from engine.faces import Call, Face, landed, waiting
from entra_tokens import AuthorityUnavailable, EntraTokensError, InteractionRequired
from entra_tokens.testing import ManualClock, ScriptedCredential

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'


def test_a_challenge_bypasses_the_cache_and_its_answer_replaces_the_entry(
    face: Face, credential: ScriptedCredential
) -> None:
    """`claims` are in the flight's key, not the entry's: they bypass the cache, the answer replaces the entry."""
    provider = face.provider(credential)
    assert face.run(provider.token) == "token-1"
    assert face.run(provider.get_token, claims=CLAIMS).token == "token-2"
    assert credential.requests[-1].claims == CLAIMS
    assert face.run(provider.token) == "token-2"
    assert face.run(provider.get_token_info, options={"claims": "{}"}).token == "token-3"
    assert [request.claims for request in credential.requests] == [None, CLAIMS, "{}"]


def test_the_same_challenge_is_not_asked_again_within_a_minute(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """The same challenge answered within 60 s is not asked again."""
    provider = face.provider(credential)
    face.run(provider.get_token, claims=CLAIMS)
    clock.advance(59.9)
    assert {access.token for access in face.many(20, provider.get_token, claims=CLAIMS)} == {"token-1"}
    assert face.run(provider.get_token, claims="{}").token == "token-2"
    clock.advance(0.2)
    assert face.run(provider.get_token, claims=CLAIMS).token == "token-3"


def test_a_token_that_ran_out_within_the_minute_answers_no_challenge(face: Face, clock: ManualClock) -> None:
    """The same challenge answered within 60 s is not asked again, while what was answered lives."""
    provider = face.provider(ScriptedCredential(lifetime=10))
    face.run(provider.get_token, claims=CLAIMS)
    clock.advance(10)
    assert face.run(provider.get_token, claims=CLAIMS).token == "token-2"


def test_a_burst_with_one_challenge_is_one_request(face: Face, credential: ScriptedCredential) -> None:
    """`claims` are in the flight's key: one flight for each challenge."""
    provider = face.provider(credential)
    face.run(provider.token)
    credential.hold()
    same = Call(lambda _: face.many(30, provider.get_token, claims=CLAIMS))
    waiting(provider, 30, CLAIMS)
    other = face.start(provider.get_token, claims="{}")
    waiting(provider, 1, "{}")
    assert face.run(provider.token) == "token-1", "a challenge makes nobody else wait"
    credential.release()
    assert len({access.token for access in same.result()}) == 1
    other.result()
    assert credential.calls == 3


def test_a_challenge_that_fails_raises_though_a_token_is_held(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """A challenge is answered by no old token: failing claims raise while a token is held."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.answer(AuthorityUnavailable("down"))
    for _ in range(4):
        (error,) = face.many(1, provider.get_token, claims=CLAIMS)
        assert isinstance(error, AuthorityUnavailable)
        assert face.run(provider.token) is first
    assert credential.calls == 2, "remembered"
    assert provider.status().next_attempt is None, "it says nothing about ordinary renewal"
    clock.advance(5)
    face.many(1, provider.get_token, claims=CLAIMS)
    assert credential.calls == 3


def test_a_challenge_nobody_answers_in_time_raises_though_a_token_is_held(
    face: Face, credential: ScriptedCredential
) -> None:
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.answer(InteractionRequired("sign in again", claims=CLAIMS))
    (error,) = face.many(1, provider.get_token, claims=CLAIMS)
    assert isinstance(error, InteractionRequired)
    assert error.claims == CLAIMS
    assert face.run(provider.token) is first


def test_retry_after_to_a_challenge_keeps_background_renewal_quiet(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """Under a running `Retry-After` no request, whichever request was told so."""
    provider = face.provider(credential)
    face.run(provider.token)
    clock.advance(2340)
    credential.answer(AuthorityUnavailable("slow down", retry_after=100))
    (error,) = face.many(1, provider.get_token, claims=CLAIMS)
    assert isinstance(error, AuthorityUnavailable)
    assert face.run(provider.token) == "token-1"
    (error,) = face.many(1, provider.get_token, claims="{}")
    assert isinstance(error, AuthorityUnavailable)
    assert credential.calls == 2
    clock.advance(111)
    face.run(provider.token)
    landed(provider)
    assert credential.calls == 3


def test_a_renewal_asked_for_before_a_challenge_does_not_replace_its_answer(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """The answer replaces the entry: a token asked for before the challenge would be refused again."""
    provider = face.provider(credential)
    face.run(provider.token)
    clock.advance(2340)
    slow = ScriptedCredential()
    slow.hold()
    credential.answer(slow.acquire)
    assert face.run(provider.token) == "token-1"
    assert slow.wait_for_call()
    clock.advance(1)
    credential.answer(lambda request: credential.issue("challenged", request))
    assert face.run(provider.get_token, claims=CLAIMS).token == "challenged"
    slow.release()
    landed(provider)
    assert face.run(provider.token) == "challenged"
    assert face.run(provider.get_token, claims=CLAIMS).token == "challenged"
    clock.advance(2341)
    credential.answer(lambda request: credential.issue("later", request))
    face.run(provider.token)
    landed(provider)
    assert face.run(provider.token) == "later"


def test_a_challenge_beside_a_forced_renewal(face: Face, credential: ScriptedCredential) -> None:
    """A challenge that fails does not end the waiting for a forced renewal."""
    provider = face.provider(credential)
    face.run(provider.token)
    slow = ScriptedCredential()
    slow.hold()
    credential.answer(slow.acquire)
    assert provider.invalidate()
    assert slow.wait_for_call()
    credential.answer(EntraTokensError("no"))
    assert isinstance(face.many(1, provider.get_token, claims=CLAIMS)[0], EntraTokensError)
    call = face.start(provider.token)
    waiting(provider, 1)
    slow.answer(lambda request: slow.issue("forced", request))
    slow.release()
    assert call.result() == "token-1"  # the slow one's first
    assert provider.status().renewals == 2


def test_cae_tokens_are_held_apart(face: Face, credential: ScriptedCredential) -> None:
    """The identity key holds CAE."""
    provider = face.provider(credential)
    face.run(provider.token)
    for _ in range(3):
        assert face.run(provider.get_token, enable_cae=True).token == "token-2"
        assert face.run(provider.get_token).token == "token-1"
    assert [request.enable_cae for request in credential.requests] == [False, True]
