"""What is remembered, for how long, and how much of it; and the second level behind it."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import SCOPE, Face, landed
from entra_tokens import AuthorityUnavailable, Token, TokenProvider, TokenRequest
from entra_tokens.stores.memory import CELL_BYTES, Memory
from entra_tokens.stores.protocol import Stored
from entra_tokens.testing import ManualClock, ScriptedCredential

if TYPE_CHECKING:
    from entra_tokens.engine.engine import Engine
    from entra_tokens.stores.protocol import Wanted


class Quick:
    """A credential that answers at once, on whatever thread."""

    interactive = False
    tenant_id = None

    def __init__(self, name: str, clock: ManualClock, text: str = "t") -> None:
        self.identity = ("quick", name)
        self.clock = clock
        self.text = text
        self.calls = 0

    def acquire(self, request: TokenRequest) -> Token:
        self.calls += 1
        return Token(self.text, expires_on=self.clock.wall() + 3600)


def cell(engine: Engine, clock: ManualClock, name: str) -> Any:
    credential = Quick(name, clock)
    made = engine.cell(credential, TokenRequest((SCOPE,)))
    made.held = type("Held", (), {"token": Token("x" * 1000, expires_on=clock.wall() + 60)})()
    made.token = made.held.token
    return made


def test_it_holds_no_more_than_it_may(engine: Engine, clock: ManualClock) -> None:
    """Memory bounded by cachetools: by size, the least recently renewed go first."""
    memory = Memory(clock.wall, most_bytes=10 * (CELL_BYTES + 1000))
    for number in range(25):
        memory.keep(number, cell(engine, clock, str(number)), until=clock.wall() + 60)
        assert len(memory) <= 10
    assert len(memory) == 10
    assert sorted(memory._cells) == list(range(15, 25))


def test_it_forgets_what_has_expired(engine: Engine, clock: ManualClock) -> None:
    """Memory bounded by cachetools: by expiry."""
    memory = Memory(clock.wall)
    for number in range(10):
        memory.keep(number, cell(engine, clock, str(number)), until=clock.wall() + 10 + number)
    clock.advance(15)
    assert len(memory) == 4
    clock.advance(60)
    assert len(memory) == 0


def test_a_provider_made_for_one_call_finds_what_the_last_one_got(face: Face, clock: ManualClock) -> None:
    """A provider made for each call shares the entry of the one before, which is gone."""
    credential = Quick("one", clock)
    for _ in range(5):
        assert face.run(face.provider(credential).token) == "t"
        gc.collect()
    assert credential.calls == 1
    clock.advance(3601)
    face.run(face.provider(credential).token)
    assert credential.calls == 2


def test_a_failure_is_remembered_beyond_its_provider(face: Face, clock: ManualClock) -> None:
    calls = 0
    for _ in range(5):
        credential = ScriptedCredential(AuthorityUnavailable("down"), identity=("one",))
        (error,) = face.many(1, face.provider(credential).token)
        del error
        gc.collect()
        calls += credential.calls
    assert calls == 1


def test_entries_of_the_past_are_dropped_for_good(engine: Engine, clock: ManualClock) -> None:
    for number in range(100):
        TokenProvider(Quick(str(number), clock), SCOPE).token()
    gc.collect()
    assert len(engine._cells) == 100
    clock.advance(3601)
    TokenProvider(Quick("last", clock), SCOPE).token()
    gc.collect()
    assert len(engine._cells) == 1


def test_a_hundred_thousand_entries_cost_no_more_each_than_a_hundred(engine: Engine, clock: ManualClock) -> None:
    """Memory bounded: what one call does with 100,000 entries held, counted in calls of Python functions."""
    import sys

    def steps() -> int:
        counted = 0

        def count(frame: Any, event: str, arg: Any) -> None:
            nonlocal counted
            counted += event == "call"

        credential = Quick(f"measured {len(engine._cells)}", clock)
        request = TokenRequest((SCOPE,))
        sys.setprofile(count)
        try:
            made = engine.cell(credential, request)
            memory.keep(credential.identity, made, until=clock.wall() + 7200)
        finally:
            sys.setprofile(None)
        kept.append(made)
        return counted

    memory, kept = Memory(clock.wall, most_bytes=2**62), list[Any]()
    counts = {}
    for total in (100, 100_000):
        while len(kept) < total:
            made = engine.cell(Quick(str(len(kept)), clock), TokenRequest((SCOPE,)))
            memory.keep(made.credential.identity, made, until=clock.wall() + 3600 + len(kept) % 97)
            kept.append(made)
        counts[total] = steps()
    assert counts[100_000] <= 2 * counts[100] + 20, counts


class Shelf:
    """A store that keeps tokens in a dictionary and counts."""

    def __init__(self) -> None:
        self.kept: dict[Any, Stored] = {}
        self.asked = 0
        self.threads: set[threading.Thread] = set()

    def through(self, wanted: Wanted) -> Token | Stored:
        self.asked += 1
        self.threads.add(threading.current_thread())
        key = wanted.key_under(b"the store's own")
        stored = self.kept.get(key)
        if stored is not None and wanted.will_do(stored):
            return stored
        asked = wanted.now()
        self.kept[key] = Stored(wanted.acquire(), asked)
        return self.kept[key].token


def test_a_store_is_asked_only_when_memory_has_nothing(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """store: a second level behind memory; nothing is read from it while the local token is fresh, never on a caller's
    thread."""
    shelf = Shelf()
    provider = face.provider(credential, store=shelf)
    for _ in range(5):
        assert face.run(provider.token) == "token-1"
    assert (shelf.asked, credential.calls) == (1, 1)
    assert threading.main_thread() not in shelf.threads
    (key,) = shelf.kept
    assert "token-1" not in repr(key)


def test_what_another_process_has_put_there_is_taken(face: Face, clock: ManualClock) -> None:
    from entra_tokens.testing import fresh_engine

    shelf, theirs = Shelf(), ScriptedCredential(identity=("fleet",))
    with fresh_engine(clock):
        face.run(face.provider(theirs, store=shelf).token)
    mine = ScriptedCredential(identity=("fleet",))
    assert face.run(face.provider(mine, store=shelf).token) == "token-1"
    assert (theirs.calls, mine.calls) == (1, 0)


def test_a_challenge_is_answered_by_no_store(face: Face, credential: ScriptedCredential) -> None:
    """Claims bypass the cache, and the answer replaces the entry."""
    shelf = Shelf()
    provider = face.provider(credential, store=shelf)
    face.run(provider.token)
    assert face.run(provider.get_token, claims="{}").token == "token-2"
    assert [stored.token for stored in shelf.kept.values()] == ["token-2"]


def test_a_store_that_breaks_is_an_error_of_ours_never_a_stranger_s(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    class Broken:
        def through(self, wanted: Wanted) -> Token:
            raise OSError("disk MARKER")

    from entra_tokens import EntraTokensError

    provider = face.provider(credential, store=Broken())
    (error,) = face.many(1, provider.token)
    assert isinstance(error, EntraTokensError)
    assert "MARKER" not in str(error)


@pytest.mark.parametrize("shares", [True, False])
def test_a_provider_without_a_store_shares_the_entry(
    face: Face, clock: ManualClock, credential: ScriptedCredential, shares: bool
) -> None:
    shelf = Shelf()
    providers = [face.provider(credential, store=shelf), face.provider(credential)]
    for provider in providers if shares else reversed(providers):
        assert face.run(provider.token) == "token-1"
    landed(providers[0])
    assert credential.calls == 1


def test_a_token_that_a_resource_refused_is_not_taken_from_the_store_again(
    face: Face, clock: ManualClock, credential: ScriptedCredential
) -> None:
    """invalidate: the held token is renewed, not fetched again from where it came."""
    shelf = Shelf()
    provider = face.provider(credential, store=shelf)
    refused = face.run(provider.token)
    assert provider.invalidate(refused)
    assert face.run(provider.token) == "token-2"
    assert credential.calls == 2
