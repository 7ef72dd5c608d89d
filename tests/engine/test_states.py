"""The contract's table of behaviour: fresh, stale, expired or none; by both faces, on both loops."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import SCOPE, Call, Face, flight_of, landed, waiting
from entra_tokens import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
    InvalidCredential,
    RefreshPolicy,
    Token,
    TokenProvider,
    TokenTimeout,
)
from entra_tokens.acquiring import current
from entra_tokens.testing import ManualClock, ScriptedCredential

if TYPE_CHECKING:
    from entra_tokens import TokenRequest

LIFE, STALE = 3600.0, 2340.0  # 0.65 of the life, the middle of U(0.5, 0.8)


def already_expired(request: TokenRequest) -> Token:
    return Token("old", expires_on=current().clock.wall() - 1)


EXITS = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
FAULTS: list[Any] = [
    pytest.param(AuthorityUnavailable("refused"), id="unavailable"),
    pytest.param(AuthorityUnavailable("429", retry_after=30, status=429), id="throttled"),
    pytest.param(InvalidCredential("the secret has expired"), id="invalid"),
    pytest.param(CredentialUnavailable("not here"), id="not-here"),
    pytest.param(RuntimeError("a stranger's"), id="foreign"),
    pytest.param(already_expired, id="already-expired"),
    pytest.param(lambda request: None, id="garbage"),
    pytest.param(lambda request: "a plain str", id="plain-str"),
    pytest.param(SystemExit(3), id="system-exit", marks=EXITS),
]


# ---- fresh


def test_a_fresh_token_is_returned_at_once_with_nothing_behind_it(
    face: Face, credential: ScriptedCredential, clock: ManualClock
) -> None:
    """fresh: returns at once; no lock, no I/O; behind it nothing. The same object every time until it is renewed."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    for _ in range(5):
        clock.advance(STALE / 6)
        assert face.run(provider.token) is first
        assert face.run(provider) is first
    assert credential.calls == 1
    assert flight_of(provider) is None


def test_a_fresh_token_needs_no_lock(face: Face, credential: ScriptedCredential) -> None:
    """fresh: no lock."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    access = face.run(provider.get_token)
    with provider._cell._lock, provider._shared.engine._lock:
        assert face.start(provider.token).result() is first
        assert face.start(provider.get_token).result() is access
        assert face.start(provider.get_token, SCOPE).result() is access


# ---- stale


def test_a_stale_token_is_returned_at_once_and_renewed_behind_it(
    face: Face, credential: ScriptedCredential, clock: ManualClock
) -> None:
    """stale: returns the current token at once; behind it one background flight."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    clock.advance(STALE)
    credential.hold()
    assert all(token is first for token in face.many(20, provider.token))
    assert credential.wait_for_call()
    assert credential.wait_for_call()
    assert credential.calls == 2
    credential.release()
    landed(provider)
    assert face.run(provider.token) == "token-2"
    assert credential.calls == 2


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("age", [STALE, LIFE - 30, LIFE - 0.01], ids=["stale", "last minute", "last instant"])
def test_while_unexpired_no_call_fails_and_none_waits(
    face: Face, clock: ManualClock, credential: ScriptedCredential, fault: Any, age: float
) -> None:
    """While the held token is unexpired no call fails and none waits, whatever the authority does."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.answer(fault)
    clock.advance(age)
    assert face.run(provider.token) is first
    landed(provider)
    assert credential.calls == 2
    for _ in range(10):
        assert face.run(provider.token) is first
        assert face.run(provider.get_token).token == first
    assert provider.status().failures == 1


def test_a_background_flight_that_hangs_makes_nobody_wait(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """While the held token is unexpired none waits: hang, slow drip."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.hold()
    for age in (STALE, 60, 600, 500):
        clock.advance(age)
        assert face.run(provider.token) is first


def test_a_failed_renewal_is_tried_again_only_when_the_back_off_is_over(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """stale: one background flight, unless a back-off forbids it; U(5, 10) s doubling."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    credential.answer(AuthorityUnavailable("down"))
    clock.advance(STALE)
    calls = 1
    for pause in (7.5, 15, 30, 60, 120):
        face.many(5, provider.token)
        landed(provider)
        calls += 1
        clock.advance(pause - 0.01)
        assert all(token is first for token in face.many(5, provider.token))
        assert credential.calls == calls
        assert provider.status().next_attempt == pytest.approx(clock.wall() + 0.01)
        clock.advance(0.011)
    credential.answer()
    face.run(provider.token)
    landed(provider)
    assert face.run(provider.token) == "token-7"
    assert provider.status().last_error is None


def test_the_pause_is_at_most_a_quarter_of_what_is_left(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """After a failed attempt: at most `max(1 s, min(300 s, time left / 4))`."""
    provider = face.provider(credential)
    face.run(provider.token)
    credential.answer(AuthorityUnavailable("down"))
    clock.advance(LIFE - 8)
    face.run(provider.token)
    landed(provider)
    assert provider.status().next_attempt == pytest.approx(clock.wall() + 1.5)  # U(1, 2)
    clock.advance(7)
    face.run(provider.token)
    landed(provider)
    assert provider.status().next_attempt == pytest.approx(clock.wall() + 0.75)  # U(0.5, 1)


def test_retry_after_is_a_floor_for_background_renewal(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """After a failed attempt: `Retry-After` is a floor, capped at 3600 s."""
    provider = face.provider(credential)
    face.run(provider.token)
    credential.answer(AuthorityUnavailable("slow down", retry_after=100))
    clock.advance(STALE)
    face.run(provider.token)
    landed(provider)
    clock.advance(109.9)  # and up to a fifth more, here the middle
    face.run(provider.token)
    assert credential.calls == 2
    clock.advance(0.2)
    face.run(provider.token)
    landed(provider)
    assert credential.calls == 3


# ---- expired or none


@pytest.mark.parametrize("expired", [False, True], ids=["none", "expired"])
def test_whoever_has_no_token_waits_for_the_one_flight(
    face: Face, clock: ManualClock, credential: ScriptedCredential, expired: bool
) -> None:
    """expired or none: waits for the one flight, however many wait."""
    provider = face.provider(credential)
    if expired:
        face.run(provider.token)
        clock.advance(LIFE)
    before = credential.calls
    credential.hold()
    call = Call(lambda _: face.many(50, provider.token))
    waiting(provider, 50)
    credential.release()
    tokens = call.result()
    assert len({id(token) for token in tokens}) == 1
    assert credential.calls == before + 1


@pytest.mark.parametrize("expired", [False, True], ids=["none", "expired"])
@pytest.mark.parametrize("fault", FAULTS)
def test_everyone_who_waited_gets_an_equal_error_of_their_own(
    face: Face, clock: ManualClock, credential: ScriptedCredential, fault: Any, expired: bool
) -> None:
    """When nothing usable is held, everyone who waited gets an equal error of their own."""
    provider = face.provider(credential)
    if expired:
        face.run(provider.token)
        clock.advance(LIFE)
    before = credential.calls
    credential.answer(fault)
    credential.hold()
    call = Call(lambda _: face.many(20, provider.token))
    waiting(provider, 20)
    credential.release()
    errors = call.result()
    assert credential.calls == before + 1
    assert all(isinstance(error, EntraTokensError) for error in errors)
    assert len({id(error) for error in errors}) == 20
    assert all(error == errors[0] for error in errors)
    assert len({_frames(error) for error in errors}) == 1, "nobody carries another's frames"


def _frames(error: BaseException) -> int:
    count, frame = 0, error.__traceback__
    while frame is not None:
        count, frame = count + 1, frame.tb_next
    return count


def test_the_error_is_remembered_for_five_seconds(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """It is remembered for at most 5 s: a storm of callers is a handful of requests."""
    provider = face.provider(credential)
    credential.answer(AuthorityUnavailable("down"))
    frames = set()
    for _ in range(6):
        for _ in range(5):
            errors = face.many(10, provider.token)
            assert {type(error) for error in errors} == {AuthorityUnavailable}
            frames |= {_frames(error) for error in errors}
            clock.advance(0.99)
        clock.advance(0.06)
    assert credential.calls == 6
    assert max(frames) <= 6, "tracebacks do not grow"


def test_a_remembered_error_ends_with_an_invalidation(face: Face, credential: ScriptedCredential) -> None:
    """Remembered for at most 5 s (until invalidated)."""
    provider = face.provider(credential)
    credential.answer(AuthorityUnavailable("down"), Token("t", expires_on=2e9))
    assert face.many(1, provider.token) == [AuthorityUnavailable("down")]
    assert face.many(1, provider.token) == [AuthorityUnavailable("down")]
    assert provider.invalidate() is False, "nothing is held, nothing is renewed"
    assert face.run(provider.token) == "t"


def test_under_a_running_retry_after_everyone_is_refused_at_once(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """Under a running `Retry-After`: `AuthorityUnavailable(retry_after)` at once, no request."""
    provider = face.provider(credential)
    credential.answer(AuthorityUnavailable("slow down", retry_after=100))
    face.many(5, provider.token)
    clock.advance(60)
    errors = face.many(5, provider.token)
    assert [round(error.retry_after) for error in errors] == [50] * 5
    assert provider.invalidate() is False
    assert face.many(1, provider.token)[0].retry_after == pytest.approx(50)
    assert credential.calls == 1
    clock.advance(50.1)
    credential.answer()
    assert face.run(provider.token) == "token-2"


def test_other_providers_of_the_identity_keep_quiet_too_also_when_the_first_is_gone(
    face: Face, clock: ManualClock
) -> None:
    """Under a running `Retry-After` no request: a provider made for each call knows what the last one was told."""
    calls = 0
    for _ in range(5):
        credential = ScriptedCredential(AuthorityUnavailable("slow down", retry_after=100), identity=("the", "same"))
        (error,) = face.many(1, face.provider(credential).token)
        assert isinstance(error, AuthorityUnavailable)
        calls += credential.calls
        del error
        gc.collect()
        clock.advance(15)
    assert calls == 1


def test_a_call_for_another_tenant_or_cae_keeps_quiet_too(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """Under a running `Retry-After` no request, also for what is not the provider's default."""
    provider = face.provider(credential)
    credential.answer(AuthorityUnavailable("slow down", retry_after=100))
    for options in ({"enable_cae": True}, {"tenant_id": "other"}):
        before = credential.calls
        for _ in range(4):
            (error,) = face.many(1, provider.get_token, SCOPE, **options)
            assert isinstance(error, AuthorityUnavailable)
            del error
            gc.collect()
        assert credential.calls == before + 1


# ---- patience


def test_a_waiter_s_time_limit_is_its_own(face: Face, credential: ScriptedCredential) -> None:
    """A timed-out waiter leaves alone; the flight goes on for the rest."""
    provider = face.provider(credential)
    credential.hold()
    patient = face.start(provider.token)
    waiting(provider, 1)
    for limit in (0, -1, 0.02):
        with pytest.raises(TokenTimeout, match="ScriptedCredential has not answered in time"):
            face.run(provider.token, timeout=limit)
    waiting(provider, 1)
    credential.release()
    assert patient.result() == "token-1"
    assert credential.calls == 1


def test_a_timeout_is_a_timeout_error(face: Face, credential: ScriptedCredential) -> None:
    """`TokenTimeout(TimeoutError)`."""
    credential.hold()
    with pytest.raises(TimeoutError):
        face.run(face.provider(credential).token, 0)


def test_without_a_time_limit_the_policy_s_wait_counts(face: Face, credential: ScriptedCredential) -> None:
    """expired or none: waits at most `wait`."""
    provider = face.provider(credential, policy=RefreshPolicy(wait=0.02))
    credential.hold()
    with pytest.raises(TokenTimeout):
        face.run(provider.token)


def test_each_provider_s_own_wait_counts_whoever_started_the_flight(face: Face, credential: ScriptedCredential) -> None:
    """expired or none: waits at most `wait`; the numbers are `RefreshPolicy`'s, the provider's own."""
    credential.hold()
    patient = face.provider(credential)
    call = face.start(patient.token)
    waiting(patient, 1)
    hasty = face.provider(credential, policy=RefreshPolicy(wait=0.02))
    with pytest.raises(TokenTimeout):
        face.run(hasty.token)
    credential.release()
    call.result()


def test_a_very_long_time_limit_is_one(face: Face, credential: ScriptedCredential) -> None:
    for limit in (1e9, float("inf")):
        provider = face.provider(credential)
        assert face.run(provider.token, timeout=limit) == "token-1"


def test_a_time_limit_says_nothing_while_a_token_is_held(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    provider = face.provider(credential)
    first = face.run(provider.token)
    clock.advance(STALE)
    credential.hold()
    assert face.run(provider.token, timeout=0) is first


def test_a_cancelled_waiter_leaves_alone(face: Face, credential: ScriptedCredential) -> None:
    """A cancelled waiter leaves alone; the flight goes on for the rest: follower or leader."""
    if not face.asynchronous:
        return  # a thread cannot be cancelled; its time limit is above
    for leader in (True, False):
        provider = face.provider(credential, f"api://{leader}")
        before = credential.calls
        credential.hold()
        first = face.start(provider.token)
        waiting(provider, 1)
        second = face.start(provider.token)
        waiting(provider, 2)
        leaves, stays = (first, second) if leader else (second, first)
        leaves.cancel()
        leaves.result()
        assert leaves.cancelled
        waiting(provider, 1)
        credential.release()
        assert stays.result() == f"token-{before + 1}"
        assert credential.calls == before + 1


def test_a_flight_that_everybody_left_still_brings_its_token(face: Face, credential: ScriptedCredential) -> None:
    """A cancelled or timed-out waiter leaves alone; the flight goes on."""
    provider = face.provider(credential)
    credential.hold()
    with pytest.raises(TokenTimeout):
        face.run(provider.token, timeout=0)
    credential.release()
    landed(provider)
    assert face.run(provider.token) == "token-1"
    assert credential.calls == 1


# ---- clocks


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
def test_a_wall_clock_that_jumps_serves_no_expired_token_and_makes_no_storm(
    face: Face, clock: ManualClock, credential: ScriptedCredential, jump: float
) -> None:
    """Expiry is judged by the wall clock and by the boot clock, whichever is earlier: wall clock ±2 h."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    clock.set_wall(jump)
    token = face.run(provider.token)
    assert token is first if jump < 0 else token == "token-2"
    for _ in range(3600 // 60):
        clock.advance(60)
        token = face.run(provider.token)
        landed(provider)
        assert token.expires_on > clock.wall()
    assert credential.calls <= 3


def test_in_suspend_the_boot_clock_alone_ends_a_token(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """Expiry is judged by the boot clock, which counts suspend."""
    provider = face.provider(credential)
    first = face.run(provider.token)
    clock.suspend(STALE - 1)
    assert face.run(provider.token) is first
    assert credential.calls == 1
    clock.suspend(1)
    assert face.run(provider.token) is first
    landed(provider)
    assert face.run(provider.token) == "token-2"
    clock.suspend(LIFE)
    assert face.run(provider.token) == "token-3"


def test_the_back_off_is_judged_by_the_boot_clock(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """A wall clock that jumps makes no storm."""
    provider = face.provider(credential)
    credential.answer(AuthorityUnavailable("slow down", retry_after=100))
    face.many(1, provider.token)
    for jump in (7200, -14400, 7200):
        clock.set_wall(jump)
        assert isinstance(face.many(1, provider.token)[0], AuthorityUnavailable)
    assert credential.calls == 1


@pytest.mark.parametrize("life", [1, 2, 5, 60, 299, 300])
def test_short_lives_work(face: Face, clock: ManualClock, life: int) -> None:
    """Short lives (1 s to 5 min) work: never more than one request per refresh instant."""
    credential = ScriptedCredential(lifetime=life)
    provider = face.provider(credential)
    for _ in range(100):
        token = face.run(provider.token)
        landed(provider)
        assert token.expires_on > clock.wall()
        clock.advance(life / 20)
    assert 100 / 20 <= credential.calls <= 100 / 20 / 0.65 + 1


def test_refresh_in_of_the_authority_counts(face: Face, clock: ManualClock) -> None:
    """`refresh_on`: `refresh_in` times `U(0.9, 1.1)` when the authority names it."""
    for share, instant in ((0.0, 1620), (1.0, 1980)):
        clock.share = share
        provider = face.provider(ScriptedCredential(refresh_in=1800))
        token = face.run(provider.token)
        assert token.refresh_on == pytest.approx(clock.wall() + instant)
        assert provider.status().refresh_on == token.refresh_on
        assert face.run(provider.get_token_info).refresh_on == int(token.refresh_on)


# ---- what misbehaves


def test_a_credential_that_hangs_for_ever_does_not_keep_its_key_from_being_renewed(
    face: Face, clock: ManualClock
) -> None:
    """Short of expiry a hung renewal is given up, and the next is tried by the back-off."""
    gate = threading.Event()

    def hang(request: TokenRequest) -> Token:
        gate.wait(20)
        raise AuthorityUnavailable("too late")

    credential = ScriptedCredential()
    provider = face.provider(credential)
    first = face.run(provider.token)
    try:
        credential.answer(hang)
        clock.advance(STALE)
        assert face.run(provider.token) is first
        credential.wait_for_call()
        credential.wait_for_call()
        credential.answer()
        clock.advance(91)  # three times `wait`
        assert face.run(provider.token) is first
        assert provider.status().failures == 1
        clock.advance(7.6)
        face.run(provider.token)
        landed(provider)
        assert face.run(provider.token) == "token-3"
    finally:
        gate.set()


def test_what_a_hung_flight_brings_late_is_taken_only_if_it_lasts_longer(face: Face, clock: ManualClock) -> None:
    gate = threading.Event()
    late = [Token("late", expires_on=clock.wall() + LIFE + 50)]

    def hang(request: TokenRequest) -> Token:
        gate.wait(20)
        return late[0]

    credential = ScriptedCredential(hang, Token("second", expires_on=clock.wall() + LIFE))
    provider = face.provider(credential)
    with pytest.raises(TokenTimeout):
        face.run(provider.token, timeout=0)
    overdue = flight_of(provider)
    assert overdue is not None
    credential.wait_for_call()
    clock.advance(91)
    assert isinstance(face.many(1, provider.token)[0], AuthorityUnavailable)
    clock.advance(5.1)
    second = face.run(provider.token)
    assert second == "second"
    gate.set()
    assert overdue.landed.wait(30)
    assert face.run(provider.token) == "late"


def test_sixteen_hung_credentials_starve_nobody(face: Face, credential: ScriptedCredential) -> None:
    """Each flight has its own thread: a pool lets hung authorities starve the others."""
    hung = [ScriptedCredential() for _ in range(16)]
    providers = [face.provider(each) for each in hung]
    try:
        for each, provider in zip(hung, providers, strict=True):
            each.hold()
            with pytest.raises(TokenTimeout):
                face.run(provider.token, timeout=0)
        assert face.run(face.provider(credential).token) == "token-1"
    finally:
        for each in hung:
            each.release()
    for provider in providers:
        landed(provider)


@EXITS
def test_a_credential_that_interrupts_frees_its_waiters(face: Face) -> None:
    provider = face.provider(ScriptedCredential(KeyboardInterrupt()))
    (error,) = face.many(1, provider.token)
    assert error == EntraTokensError("ScriptedCredential ended the thread that asked for a token.")


def test_no_thread_is_left_when_a_flight_has_landed(face: Face, credential: ScriptedCredential) -> None:
    """Each flight has its own daemon thread, ended when it lands."""
    seen = []

    def look(request: TokenRequest) -> Token:
        seen.append(threading.current_thread())
        return credential.issue("t", request)

    credential.answer(look)
    face.run(face.provider(credential).token)
    (thread,) = seen
    assert thread is not threading.main_thread()
    assert thread.daemon
    thread.join(30)
    assert not thread.is_alive()


def test_one_call_at_a_time_reaches_a_credential(face: Face, clock: ManualClock) -> None:
    """`acquire` is called on a worker thread, one call at a time per key."""
    inside, most = [0], [0]

    class Counting(ScriptedCredential):
        def acquire(self, request: TokenRequest) -> Token:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            try:
                return super().acquire(request)
            finally:
                inside[0] -= 1

    credential = Counting(lifetime=10)
    sync = TokenProvider(credential, SCOPE)
    for _ in range(30):
        face.many(10, face.of(sync).token)
        clock.advance(1)
    landed(sync)
    assert most == [1]


def test_a_credential_that_asks_the_provider_that_waits_for_it_is_told(face: Face) -> None:
    credential = ScriptedCredential(lambda request: provider.as_sync().token())
    provider = face.provider(credential)
    (error,) = face.many(1, provider.token)
    assert isinstance(error, ConfigurationError)
    assert "in its acquire()" in str(error)


def test_credentials_of_different_classes_never_share(face: Face) -> None:
    class Mine(ScriptedCredential):
        pass

    alike = [kind(identity=("the", "same")) for kind in (ScriptedCredential, Mine)]
    assert [face.run(face.provider(each).token) for each in alike] == ["token-1", "token-1"]
    assert [each.calls for each in alike] == [1, 1]


def test_an_async_acquire_is_told_to_be_a_plain_function(face: Face) -> None:
    async def acquire() -> Token:
        raise AssertionError

    (error,) = face.many(1, face.provider(ScriptedCredential(lambda request: acquire())).token)
    assert isinstance(error, AuthenticationFailed)
    assert "make it a plain function, not async" in str(error)
