"""Credentials that need a person."""

from __future__ import annotations

import threading

import pytest

from engine.faces import Face, flight_of, landed, until, waiting
from entra_tokens import AuthorityUnavailable, InteractionRequired, Token, TokenRequest, TokenTimeout
from entra_tokens.acquiring import current
from entra_tokens.testing import ManualClock, ScriptedCredential


class Person(ScriptedCredential):
    """Prompts whoever may be prompted, then waits for `sign_in()`, or for the last waiter to leave."""

    def __init__(self, code_lives: float = 900.0) -> None:
        super().__init__(interactive=True)
        self.code_lives = code_lives
        self.prompts = 0
        self.given_up = threading.Event()
        self._answer = threading.Event()
        self.answer(self._prompt)

    def sign_in(self) -> None:
        self._answer.set()

    def _prompt(self, request: TokenRequest) -> Token:
        here = current()
        if not here.may_prompt:
            raise InteractionRequired("A person has to sign in.")
        self.prompts += 1
        here.on_prompt(here.clock.wall() + self.code_lives)
        here.abandoned.call_when_set(self._answer.set)
        assert self._answer.wait(20)
        if here.abandoned.is_set():
            self.given_up.set()
            raise InteractionRequired("Nobody waits any more.")
        return self.issue(f"token-{self.calls}", request)


@pytest.fixture
def person() -> Person:
    return Person()


def test_one_prompt_however_many_wait(face: Face, person: Person) -> None:
    """Only a caller with nothing usable starts an interactive flight; one flight however many wait."""
    provider = face.provider(person)
    calls = [face.start(provider.token) for _ in range(5)]
    waiting(provider, 5)
    until(lambda: person.prompts == 1)
    person.sign_in()
    assert {str(call.result()) for call in calls} == {"token-1"}
    assert person.prompts == 1


def test_background_renewal_never_prompts(face: Face, clock: ManualClock, person: Person) -> None:
    """Background renewal never prompts."""
    provider = face.provider(person)
    person.sign_in()
    first = face.run(provider.token)
    clock.advance(2340)
    for _ in range(3):
        assert face.run(provider.token) is first
        landed(provider)
        clock.advance(60)
    assert provider.invalidate(first)
    assert face.run(provider.token) is first
    assert face.run(provider.azure_token) == "token-1"
    assert person.prompts == 1
    assert provider.status().last_error == "A person has to sign in. See docs/troubleshooting.md#sign-in-needed."


def test_when_background_renewal_wanted_a_person_a_caller_with_nothing_usable_is_prompted(
    face: Face, clock: ManualClock, person: Person
) -> None:
    """Only a caller with nothing usable starts an interactive flight, also right after a background one has failed."""
    provider = face.provider(person)
    person.sign_in()
    face.run(provider.token)
    clock.advance(3599.9)
    face.run(provider.token)
    landed(provider)
    clock.advance(0.2)
    assert face.run(provider.token) == "token-3"
    assert person.prompts == 2


def test_a_caller_that_joined_a_background_flight_is_prompted_after_it(
    face: Face, clock: ManualClock, person: Person
) -> None:
    """Background flight that fails with InteractionRequired: then a caller with nothing usable prompts."""
    provider = face.provider(person)
    person.sign_in()
    face.run(provider.token)
    clock.advance(3550)
    person.hold()
    face.run(provider.token)
    clock.advance(50)
    calls = [face.start(provider.token) for _ in range(3)]
    waiting(provider, 3)
    background = flight_of(provider)
    assert background is not None
    assert not background.may_prompt
    person.release()
    assert {str(call.result()) for call in calls} == {"token-3"}
    assert person.prompts == 2


def test_an_interactive_flight_is_waited_for_until_the_code_expires(
    face: Face, clock: ManualClock, person: Person
) -> None:
    """expired or none: for an interactive flight until the code expires."""
    from entra_tokens import RefreshPolicy

    provider = face.provider(person, policy=RefreshPolicy(wait=0.01))
    call = face.start(provider.token)
    until(lambda: person.prompts == 1)
    threading.Event().wait(0.05)  # several times `wait`
    clock.advance(880)  # and many times what a flight that does not prompt may take
    assert not call.over
    other = face.start(provider.token)
    waiting(provider, 2)
    person.sign_in()
    assert call.result() == other.result() == "token-1"


def test_a_code_that_ran_out_ends_the_wait(face: Face) -> None:
    from entra_tokens import RefreshPolicy

    person = Person(code_lives=-2)
    provider = face.provider(person, policy=RefreshPolicy(wait=0.1))
    with pytest.raises(TokenTimeout):
        face.run(provider.token)
    assert person.given_up.wait(30)
    landed(provider)


def test_when_the_last_waiter_leaves_the_polling_stops_and_another_caller_starts_anew(
    face: Face, person: Person
) -> None:
    """When the last waiter of an interactive flight leaves, the polling stops."""
    provider = face.provider(person)
    first = face.start(provider.token, timeout=1)
    waiting(provider, 1)
    second = face.start(provider.token, timeout=0.02)
    assert isinstance(second.error(), TokenTimeout)
    if person.given_up.is_set():  # on a machine that was busy for a whole second
        until(lambda: first.over, "one waits still")
    assert isinstance(first.error(), TokenTimeout)
    assert person.given_up.wait(30)
    landed(provider)
    asked = person.prompts  # once; on such a machine the second caller may have come too late to join the first
    person.sign_in()
    assert face.run(provider.token) == f"token-{asked + 1}"
    assert person.prompts == asked + 1


def test_a_cancelled_last_waiter_stops_the_polling_too(face: Face, person: Person) -> None:
    """When the last waiter of an interactive flight leaves, the polling stops."""
    if not face.asynchronous:
        return
    provider = face.provider(person)
    call = face.start(provider.token)
    until(lambda: person.prompts == 1)
    call.cancel()
    call.result()
    assert call.cancelled
    assert person.given_up.wait(30)
    landed(provider)
    person.sign_in()
    assert face.run(provider.token) == "token-2", "being left alone is no failure to remember"


def test_a_flight_that_needs_nobody_goes_on_without_waiters(face: Face, credential: ScriptedCredential) -> None:
    """A cancelled or timed-out waiter leaves alone; the flight goes on."""
    seen = []
    gate = threading.Event()

    def look(request: TokenRequest) -> Token:
        gate.wait(30)
        seen.append(current().abandoned.is_set())
        return credential.issue("t", request)

    credential.answer(look)
    provider = face.provider(credential)
    with pytest.raises(TokenTimeout):
        face.run(provider.token, timeout=0)
    gate.set()
    landed(provider)
    assert seen == [False]


def test_a_declined_prompt_is_remembered(face: Face, person: Person) -> None:
    """It is remembered for at most 5 s: nobody is prompted again and again."""
    person.answer(InteractionRequired("declined"))
    provider = face.provider(person)
    errors = [*face.many(5, provider.token), *face.many(5, provider.token)]
    assert all(error == InteractionRequired("declined") for error in errors)
    assert person.calls == 1


def test_sign_ins_are_remembered_where_the_engine_keeps_them(face: Face, person: Person) -> None:
    seen = []

    def look(request: TokenRequest) -> Token:
        current().sign_ins.setdefault(person.identity, []).append("x")
        seen.append(len(current().sign_ins[person.identity]))
        return person.issue("t", request)

    person.answer(look)
    face.run(face.provider(person).token)
    face.run(face.provider(person, "api://other").token)
    assert seen == [1, 2]


def test_an_outage_at_the_prompt_is_an_error_for_everyone(face: Face, person: Person) -> None:
    person.answer(AuthorityUnavailable("down"))
    provider = face.provider(person)
    assert all(error == AuthorityUnavailable("down") for error in face.many(5, provider.token))
