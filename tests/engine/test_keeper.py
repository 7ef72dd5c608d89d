"""keep_fresh: renewal with nobody calling, for as long as the provider is referenced, and no thread beyond that."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest

from engine.faces import SCOPE, Face, landed, until
from entra_tokens import AuthorityUnavailable, InteractionRequired, Token, TokenProvider, TokenRequest
from entra_tokens.testing import ManualClock, ScriptedCredential

NAME = "entra-tokens-keep-fresh"


def keepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def test_it_renews_at_refresh_on_with_nobody_calling(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """`keep_fresh=True` renews at `refresh_on` even when nobody calls."""
    provider = face.provider(credential, keep_fresh=True)
    face.run(provider.token)
    for number in range(2, 6):
        clock.advance(2339)
        threading.Event().wait(0.02)
        assert credential.calls == number - 1, "not before refresh_on"
        clock.advance(1)
        until(lambda number=number: provider.status().renewals == number)  # type: ignore[misc]
        assert provider.status().state == "fresh"
    assert face.run(provider.token) == "token-5"


def test_without_it_a_call_in_the_stale_window_starts_the_renewal(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """Otherwise a call in the stale window starts it."""
    provider = face.provider(credential)
    face.run(provider.token)
    clock.advance(3000)
    threading.Event().wait(0.02)
    assert credential.calls == 1
    assert keepers() == []
    face.run(provider.token)
    landed(provider)
    assert credential.calls == 2


def test_the_first_token_is_a_caller_s(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """It renews; it does not sign in for a provider that nobody has asked yet."""
    provider = face.provider(credential, keep_fresh=True)
    clock.advance(10_000)
    threading.Event().wait(0.02)
    assert credential.calls == 0
    assert provider.status().state == "none"
    face.run(provider.token)
    until(keepers)


def test_a_token_held_already_is_kept_fresh_at_once(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    face.run(face.provider(credential).token)
    provider = face.provider(credential, keep_fresh=True)
    clock.advance(2340)
    until(lambda: provider.status().renewals == 2)


def test_it_ends_with_the_provider(face: Face, credential: ScriptedCredential) -> None:
    """For as long as the provider is referenced."""
    provider: Any = face.provider(credential, keep_fresh=True)
    other = face.provider(credential, "api://other", keep_fresh=True)
    face.run(provider.token)
    face.run(other.token)
    until(keepers)
    assert len(keepers()) == 1, "one thread, however many providers"
    del provider
    gc.collect()
    threading.Event().wait(0.02)
    assert len(keepers()) == 1
    del other
    gc.collect()
    until(lambda: keepers() == [], "the keeper's end")


def test_closing_ends_it_too(face: Face, credential: ScriptedCredential) -> None:
    provider = face.provider(credential, keep_fresh=True)
    face.run(provider.token)
    until(keepers)
    face.run(provider.close)
    gc.collect()
    until(lambda: keepers() == [], "the keeper's end")


def test_another_face_keeps_it_going(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """For as long as the provider is referenced, by either face."""
    provider = TokenProvider(credential, SCOPE, keep_fresh=True)
    other = provider.as_async()
    provider.token()
    provider.close()
    gc.collect()
    clock.advance(2340)
    until(lambda: other.status().renewals == 2)


def test_it_starts_again_for_a_later_provider(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    for number in (1, 2, 3):
        provider: Any = face.provider(credential, keep_fresh=True)
        face.run(provider.token)
        clock.advance(2340)
        status = provider.status
        until(lambda status=status, number=number: status().renewals >= number + 1)  # type: ignore[misc]
        del provider, status
        gc.collect()
        until(lambda: keepers() == [])


def test_failures_are_tried_again_by_the_back_off_also_after_expiry(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """keep_fresh after expiry keeps trying by the back-off, with nobody calling."""
    provider = face.provider(credential, keep_fresh=True)
    face.run(provider.token)
    credential.answer(AuthorityUnavailable("down"))
    for _ in range(8):
        status = provider.status()
        due = status.refresh_on if status.next_attempt is None else status.next_attempt
        assert due is not None
        before, failures = clock.wall(), status.failures
        clock.advance(due - before - 0.5)
        threading.Event().wait(0.01)
        assert provider.status().failures == failures
        clock.advance(0.51)
        until(lambda failures=failures: provider.status().failures == failures + 1)  # type: ignore[misc]
    clock.advance(max(0, provider.status().expires_on - clock.wall()))
    for _ in range(3):
        failures = provider.status().failures
        assert provider.status().state == "expired"
        clock.advance(300)
        until(lambda failures=failures: provider.status().failures > failures)  # type: ignore[misc]
    credential.answer()
    clock.advance(300)
    until(lambda: provider.status().state == "fresh")


def test_retry_after_is_kept(clock: ManualClock, credential: ScriptedCredential) -> None:
    provider = TokenProvider(credential, SCOPE, keep_fresh=True)
    provider.token()
    credential.answer(AuthorityUnavailable("slow down", retry_after=500))
    clock.advance(2340)
    until(lambda: provider.status().failures == 1)
    for _ in range(10):
        clock.advance(54)
        threading.Event().wait(0.005)
    assert credential.calls == 2
    clock.advance(60)
    until(lambda: provider.status().failures == 2)


def test_a_hung_renewal_is_given_up_and_tried_again(clock: ManualClock, credential: ScriptedCredential) -> None:
    provider = TokenProvider(credential, SCOPE, keep_fresh=True)
    provider.token()
    hung = ScriptedCredential()
    hung.hold()
    credential.answer(hung.acquire)
    clock.advance(2340)
    assert hung.wait_for_call()
    credential.answer()
    clock.advance(91)
    until(lambda: provider.status().failures == 1)
    clock.advance(8)
    until(lambda: provider.status().renewals == 2)
    hung.release()


def test_it_never_prompts(clock: ManualClock) -> None:
    """Background renewal never prompts."""
    from entra_tokens.acquiring import current

    def prompt(request: TokenRequest) -> Token:
        if current().may_prompt:
            return Token("t", expires_on=clock.wall() + 3600)
        raise InteractionRequired("a person")

    provider = TokenProvider(ScriptedCredential(prompt, interactive=True), SCOPE, keep_fresh=True)
    provider.token()
    clock.advance(2340)
    until(lambda: provider.status().failures == 1)
    clock.advance(3600)
    until(lambda: provider.status().failures == 2)
    assert provider.status().state == "expired"


@pytest.mark.parametrize("move", ["suspend", "set_wall"])
def test_either_clock_wakes_it(clock: ManualClock, credential: ScriptedCredential, move: str) -> None:
    """Expiry is judged by the wall clock and by the boot clock, whichever is earlier."""
    provider = TokenProvider(credential, SCOPE, keep_fresh=True)
    provider.token()
    getattr(clock, move)(2341)
    until(lambda: provider.status().renewals == 2)


def test_providers_that_come_and_go_leave_nothing_behind(credential: ScriptedCredential) -> None:
    keeper = TokenProvider(credential, SCOPE)._shared.engine.keeper  # type: ignore[union-attr]
    for number in range(200):
        TokenProvider(credential, f"api://{number}", keep_fresh=True).close()
    gc.collect()
    assert len(keeper._owners) == len(keeper._deaths) == keeper._alarm.qsize() == 0
