"""How many requests a crowd costs on real sockets, in success and in failure."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from engine.faces import FACES, Call, Face
from entra_tokens import AuthorityUnavailable, EntraTokensError, ManagedIdentity, TokenProvider
from faults.kit import PATIENCE, ImpatientClock, Scene, client_secret, settle

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

SYNC, ASYNCIO, TRIO = FACES


def outcome(call: Any) -> Any:
    """What a crowd's member got: the token or the error."""
    try:
        return call()
    except EntraTokensError as error:
        return error


def crowd(provider: TokenProvider, *, threads: int, tasks: int) -> list[Any]:
    """Threads, two asyncio loops and a trio loop, each loop with that many tasks, all at once on one provider."""
    ready = threading.Barrier(threads + 3)
    found: list[Any] = []

    def in_thread() -> None:
        ready.wait(PATIENCE)
        found.append(outcome(provider.token))

    def in_loop(face: Face) -> None:
        ready.wait(PATIENCE)
        found.extend(face.many(tasks, provider.as_async().token))

    calls = [Call(lambda _: in_thread()) for _ in range(threads)]
    calls += [Call(lambda _, face=face: in_loop(face)) for face in (ASYNCIO, ASYNCIO, TRIO)]  # type: ignore[misc]
    for call in calls:
        call.result()
    settle()
    return found


def test_200_threads_without_a_token_make_one_request(e: Emulator, clock: ImpatientClock) -> None:
    scene = Scene(e, clock, SYNC, client_secret(e))
    scene.count_from_here()
    tokens = scene.many(200)
    assert len(tokens) == 200
    assert len({id(token) for token in tokens}) == 1
    assert scene.requests == 1
    assert [record.target for record in e.requests] == ["discovery", "token"]


@pytest.mark.parametrize("face", [ASYNCIO, TRIO], ids=lambda face: face.name)
def test_1000_tasks_without_a_token_make_one_request_and_no_threads(
    e: Emulator, clock: ImpatientClock, face: Face
) -> None:
    scene = Scene(e, clock, face, client_secret(e))
    scene.count_from_here()
    most = 0
    before = threading.active_count()
    with e.hold("token") as gate:
        call = Call(lambda _: scene.many(1000))
        assert gate.arrived.wait(PATIENCE)
        most = threading.active_count() - before
        gate.release()
        tokens = call.result()
    assert len({id(token) for token in tokens}) == 1
    assert scene.requests == 1
    assert most <= 2  # the loop's and the flight's


@pytest.mark.parametrize("mi", [False, True], ids=["client_secret", "app_service"])
def test_threads_and_three_loops_make_one_request(
    e: Emulator, clock: ImpatientClock, mi: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in e.environ("app_service").items():
        monkeypatch.setenv(name, value)
    provider = TokenProvider(ManagedIdentity() if mi else client_secret(e), e.h2ogpte_scope)
    tokens = crowd(provider, threads=16, tasks=50)
    assert len(tokens) == 166
    assert len({id(token) for token in tokens}) == 1
    assert len(e.token_requests) == 1

    e.advance(3700)
    renewed = crowd(provider, threads=16, tasks=50)
    assert len({id(token) for token in renewed}) == 1
    assert renewed[0] != tokens[0]
    assert len(e.token_requests) == 2


def test_threads_and_three_loops_fail_on_one_request(e: Emulator, clock: ImpatientClock) -> None:
    provider = TokenProvider(client_secret(e), e.h2ogpte_scope)
    e.fail("token", status=503)
    errors = crowd(provider, threads=16, tasks=50)
    assert len(errors) == len({id(error) for error in errors}) == 166
    assert all(error == errors[0] for error in errors)
    assert type(errors[0]) is AuthorityUnavailable
    assert len(e.token_requests) == 1


def test_a_token_that_is_stale_is_renewed_once_however_many_ask(e: Emulator, clock: ImpatientClock) -> None:
    provider = TokenProvider(client_secret(e), e.h2ogpte_scope)
    held = provider.token()
    assert held.refresh_on is not None
    e.advance(held.refresh_on - clock.wall())
    with e.hold("token") as gate:
        found = {id(provider.token())}
        assert gate.arrived.wait(PATIENCE)
        for thread in [Call(lambda _: found.add(id(provider.token()))) for _ in range(50)]:
            thread.result()
        found |= {id(token) for token in ASYNCIO.many(50, provider.as_async().token)}
        found |= {id(token) for token in TRIO.many(50, provider.as_async().token)}
        assert found == {id(held)}
    settle()
    assert len(e.token_requests) == 2
    assert provider.token() != held


def test_ten_credentials_of_one_identity_share_one_request(e: Emulator, clock: ImpatientClock) -> None:
    providers = [TokenProvider(client_secret(e), e.h2ogpte_scope) for _ in range(10)]
    together = threading.Barrier(10)

    def ask(provider: TokenProvider) -> Any:
        together.wait(PATIENCE)
        return provider.token()

    calls = [Call(lambda _, provider=provider: ask(provider)) for provider in providers]  # type: ignore[misc]
    tokens = [call.result() for call in calls]
    tokens += [SYNC.run(provider.token) for provider in providers]
    tokens += [ASYNCIO.run(provider.as_async().token) for provider in providers]
    assert len({id(token) for token in tokens}) == 1
    assert [record.target for record in e.requests] == ["discovery", "token"]


def test_another_secret_is_another_identity(e: Emulator, clock: ImpatientClock) -> None:
    token = TokenProvider(client_secret(e), e.h2ogpte_scope).token()
    other = TokenProvider(client_secret(e, client_secret="not-the-secret"), e.h2ogpte_scope)
    assert isinstance(outcome(other.token), EntraTokensError)
    unverified = TokenProvider(client_secret(e, verify=False), e.h2ogpte_scope)
    assert unverified.token() != token
    assert len(e.token_requests) == 3


def test_64_callers_without_a_token_fail_on_a_handful_of_requests(
    e: Emulator, clock: ImpatientClock, face: Face
) -> None:
    scene = Scene(e, clock, face, client_secret(e))
    scene.count_from_here()
    e.fail("token", status=500)
    errors = scene.many(64)
    assert len({id(error) for error in errors}) == 64
    assert all(error == errors[0] for error in errors)
    assert type(errors[0]) is AuthorityUnavailable
    assert errors[0].status == 500
    assert scene.requests == 1  # time stands still: the failure is remembered for whoever comes late
    clock.advance(5)
    assert all(error == errors[0] for error in scene.many(64))
    assert scene.requests == 2


def test_hung_authorities_do_not_hold_up_a_good_one(
    e: Emulator, clock: ImpatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen acquisitions hang; a seventeenth gets its token all the same, and so do they when they are let go."""
    for name, value in e.environ("imds").items():
        monkeypatch.setenv(name, value)
    provider = TokenProvider(client_secret(e), e.h2ogpte_scope)
    good = TokenProvider(ManagedIdentity(), e.h2ogpte_scope)
    with e.hold("token", arrivals=16) as gate:
        hung = [Call(lambda _, n=n: provider.with_scope(f"api://hung-{n}").token()) for n in range(16)]  # type: ignore[misc]
        assert gate.arrived.wait(PATIENCE)
        assert good.token()
        assert ASYNCIO.run(good.with_scope("api://another").as_async().token)
        assert not any(each.over for each in hung)
        gate.release()
        assert len({each.result() for each in hung}) == 16


def test_a_waiter_that_leaves_costs_nobody_anything(e: Emulator, clock: ImpatientClock, face: Face) -> None:
    provider = face.provider(client_secret(e), e.h2ogpte_scope)
    with e.hold("token") as gate:
        stays = face.start(provider.token)
        assert gate.arrived.wait(PATIENCE)
        error = outcome(lambda: face.run(provider.token, timeout=0.01))
        assert isinstance(error, TimeoutError)
        gate.release()
    assert stays.result() is face.run(provider.token)
    assert len(e.token_requests) == 1


def test_one_provider_in_three_loops_one_after_the_other(e: Emulator, clock: ImpatientClock) -> None:
    """Nothing of one event loop is left for the next, even where each has to renew."""
    provider = TokenProvider(client_secret(e), e.h2ogpte_scope).as_async()
    tokens = []
    for _ in range(3):
        tokens.append(asyncio.run(provider.token()))
        e.advance(3700)
        tokens.append(trio.run(provider.token))
        e.advance(3700)
    assert len(set(tokens)) == len(e.token_requests) == 6
