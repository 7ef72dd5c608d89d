"""on_event: what is told, to whom, how often."""

from __future__ import annotations

import gc
import logging
import threading
from typing import TYPE_CHECKING, Any

from engine.faces import SCOPE, Face, landed, until
from entra_tokens import AuthorityUnavailable, TokenEvent
from entra_tokens.testing import ManualClock, ScriptedCredential

if TYPE_CHECKING:
    import pytest


class Heard(list[TokenEvent]):
    """Events, and the threads they were told on."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []

    def __call__(self, event: TokenEvent) -> None:
        self.threads.append(threading.current_thread())
        self.append(event)

    __hash__ = object.__hash__  # type: ignore[assignment]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self]


def test_the_whole_story(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """`on_event`: called with `TokenEvent(kind, key_digest, …)` on renewed, renewal_failed, expired, invalidated."""
    heard = Heard()
    provider = face.provider(credential, on_event=heard)
    start = clock.wall()
    face.run(provider.token)
    until(lambda: heard.kinds == ["renewed"])
    event = heard[0]
    assert (event.at, event.expires_on, event.refresh_on) == (start, start + 3600, start + 2340)
    assert event.scopes == (SCOPE,)
    assert event.error is None
    assert event.key_digest
    assert "scripted" not in event.key_digest
    assert provider.invalidate()
    landed(provider)
    until(lambda: len(heard) == 3)
    assert sorted(heard.kinds[1:]) == ["invalidated", "renewed"]
    credential.answer(AuthorityUnavailable("down"))
    clock.advance(2340)
    face.run(provider.token)
    until(lambda: len(heard) == 4)
    assert heard[3].kind == "renewal_failed"
    assert heard[3].error == AuthorityUnavailable("down")
    clock.advance(3600)
    face.many(1, provider.token)
    until(lambda: len(heard) == 6)
    assert heard.kinds[4:] == ["expired", "renewal_failed"]
    clock.advance(10)
    face.many(1, provider.token)
    until(lambda: len(heard) == 7)
    assert heard.kinds[6:] == ["renewal_failed"], "expired is told once"
    clock.advance(300)
    credential.answer()
    face.run(provider.token)
    until(lambda: len(heard) == 8)
    assert len({event.key_digest for event in heard}) == 1
    assert "token-" not in repr(heard)


def test_expired_is_told_again_for_the_next_token(face: Face, clock: ManualClock) -> None:
    heard = Heard()
    provider = face.provider(ScriptedCredential(), on_event=heard)
    for _ in range(3):
        face.run(provider.token)
        clock.advance(3600)
    until(lambda: len(heard) == 5)
    assert heard.kinds == ["renewed", "expired", "renewed", "expired", "renewed"]


def test_nobody_s_callback_runs_on_a_caller_s_loop(face: Face, credential: ScriptedCredential) -> None:
    heard = Heard()
    provider = face.provider(credential, on_event=heard)
    face.run(provider.token)
    until(lambda: heard)
    assert heard.threads[0].name == "entra-tokens-flight"


def test_its_own_errors_are_logged_and_go_no_further(
    face: Face, clock: ManualClock, credential: ScriptedCredential, caplog: pytest.LogCaptureFixture
) -> None:
    """Its own errors are logged and go no further."""
    heard = Heard()

    def broken(event: TokenEvent) -> None:
        raise RuntimeError("a callback's own")

    provider = face.provider(credential, on_event=broken)
    beside = face.provider(credential, on_event=heard)
    with caplog.at_level(logging.ERROR, "entra_tokens"):
        assert face.run(provider.token) == "token-1"
        assert provider.invalidate()
        assert face.run(provider.token) == "token-2"
        clock.advance(3600)
        assert face.run(provider.token) == "token-3"
        until(lambda: len(heard) == 5)
        until(lambda: len(caplog.records) == 5)
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert "a callback's own" in caplog.text
    assert beside is not None


def test_one_provider_s_callback_is_told_once_whatever_its_faces(face: Face, credential: ScriptedCredential) -> None:
    heard = Heard()
    provider = face.provider(credential, on_event=heard)
    faces = [provider.as_async(), provider.as_sync(), provider.as_async()]
    face.run(provider.get_token, "api://app")
    landed(provider)
    face.run(face.provider(credential, "api://other").token)
    until(lambda: heard)
    threading.Event().wait(0.02)
    assert heard.kinds == ["renewed"]
    assert faces


def test_two_providers_are_both_told(face: Face, credential: ScriptedCredential) -> None:
    first, second = Heard(), Heard()
    providers = [face.provider(credential, on_event=heard) for heard in (first, second)]
    face.run(providers[0].token)
    until(lambda: first and second)
    assert first == second


def test_other_scopes_of_a_provider_are_told_of_too(face: Face, credential: ScriptedCredential) -> None:
    heard = Heard()
    provider = face.provider(credential, on_event=heard)
    face.run(provider.get_token, "api://other")
    face.run(provider.get_token, enable_cae=True)
    scoped = provider.with_scope("api://third")
    face.run(scoped.token)
    until(lambda: len(heard) == 3)
    assert {event.scopes for event in heard} == {("api://other/.default",), (SCOPE,), ("api://third/.default",)}
    assert len({event.key_digest for event in heard}) == 3


def test_nobody_is_told_when_the_provider_is_gone(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    heard = Heard()
    provider: Any = face.provider(credential, on_event=heard)
    other = face.provider(credential)
    face.run(provider.token)
    until(lambda: heard)
    face.run(provider.close)
    del provider
    gc.collect()
    clock.advance(3600)
    face.run(other.token)
    landed(other)
    threading.Event().wait(0.02)
    assert heard.kinds == ["renewed"]


def test_a_callback_may_look_at_the_provider(face: Face, credential: ScriptedCredential) -> None:
    """Events are told outside every lock."""
    seen: list[Any] = []

    def look(event: TokenEvent) -> None:
        seen.append((event.kind, provider.status().renewals, str(provider.as_sync().token())))

    provider = face.provider(credential, on_event=look)
    face.run(provider.token)
    until(lambda: seen)
    assert seen == [("renewed", 1, "token-1")]


def test_a_callback_that_exits_harms_no_flight(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """Its own errors go no further: not even SystemExit ends an acquisition."""
    told = []

    def leave(event: TokenEvent) -> None:
        told.append(event.kind)
        raise SystemExit(1)

    provider = face.provider(credential, on_event=leave)
    assert face.run(provider.token) == "token-1"
    clock.advance(3600)
    assert face.run(provider.token) == "token-2"
    until(lambda: told == ["renewed", "expired", "renewed"])


def test_a_slow_callback_costs_nobody_a_token(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    """What a callback does, or how long it takes, is no business of whoever waits for a token."""
    gate, heard = threading.Event(), Heard()

    def slow(event: TokenEvent) -> None:
        gate.wait(30)
        heard(event)

    provider = face.provider(credential, on_event=slow)
    face.run(provider.token)
    clock.advance(3600)
    assert face.run(provider.token) == "token-2"
    assert provider.invalidate() is True
    assert face.run(provider.token) == "token-3"
    assert heard == []
    gate.set()
    until(lambda: len(heard) == 5)
    assert heard.kinds == ["renewed", "expired", "renewed", "invalidated", "renewed"]


def test_a_callback_may_ask_its_own_provider(face: Face, clock: ManualClock, credential: ScriptedCredential) -> None:
    asked: list[object] = []
    provider = face.provider(credential, on_event=lambda event: asked.append(provider.as_sync().token()))
    face.run(provider.token)
    clock.advance(3600)
    face.run(provider.token)
    until(lambda: len(asked) == 3)
    assert asked[-1] == "token-2"
