"""What a live token is, and what it is not."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import threading
from typing import Any

import pytest
import trio

from entra_tokens import (
    AuthenticationFailed,
    ConfigurationError,
    InteractionRequired,
    Token,
    TokenProvider,
    TokenRequest,
    TokenTimeout,
)
from entra_tokens.acquiring import current
from entra_tokens.h2ogpte import live_azure_token, live_azure_token_async
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

SECRET = "token-1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> Any:
    before = set(threading.enumerate())
    with fresh_engine(clock) as made:
        yield made
    gc.collect()  # what is not referenced is not kept fresh
    for thread in set(threading.enumerate()) - before:
        thread.join(30)


@pytest.fixture
def credential() -> Any:
    made = ScriptedCredential()
    yield made
    made.release()


@pytest.fixture
def provider(engine: Any, credential: ScriptedCredential) -> TokenProvider:
    return TokenProvider(credential, "api://h2ogpte")


def eventually(condition: Any) -> None:
    waited = threading.Event()
    for _ in range(2000):
        if condition():
            return
        waited.wait(0.005)
    raise AssertionError("it never came true")


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine function on asyncio, then on trio."""
    if request.param == "trio":
        return trio.run
    return lambda function: asyncio.run(function())


class TestAsText:
    @pytest.mark.parametrize(
        "as_text", [str, "{}".format, "%s".__mod__, lambda live: f"{live}", lambda live: format(live, "")]
    )
    def test_it_is_the_token_of_this_moment(self, provider: TokenProvider, clock: ManualClock, as_text: Any) -> None:
        live = live_azure_token(provider)
        assert as_text(live) == "token-1"
        clock.advance(3601)
        assert as_text(live) == "token-2"

    def test_a_format_is_followed(self, provider: TokenProvider) -> None:
        assert f"{live_azure_token(provider):>10}" == "   token-1"

    @pytest.mark.parametrize(
        "misuse",
        [
            lambda live: "Bearer-AD " + live,
            lambda live: live + "x",
            lambda live: "".join([live]),
            lambda live: json.dumps(live),
            lambda live: len(live),
            lambda live: live.encode(),
            lambda live: live[0],
        ],
    )
    def test_whatever_would_stand_still_fails(self, provider: TokenProvider, misuse: Any) -> None:
        with pytest.raises((TypeError, AttributeError)) as raised:
            misuse(live_azure_token(provider))
        assert SECRET not in str(raised.value)

    def test_concatenation_names_the_remedy(self, provider: TokenProvider) -> None:
        with pytest.raises(TypeError, match="azure_token= as it is"):
            "Bearer-AD " + live_azure_token(provider)

    def test_its_repr_hides_the_token(self, provider: TokenProvider) -> None:
        live = live_azure_token(provider)
        assert repr(live) == "<live token of <TokenProvider ScriptedCredential api://h2ogpte/.default>>"
        assert SECRET not in f"{live!r}"

    def test_it_does_not_pickle_and_copies_are_itself(self, provider: TokenProvider) -> None:
        live = live_azure_token(provider)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="does not pickle"):
                pickle.dumps(live, protocol)
        assert copy.copy(live) is live
        assert copy.deepcopy({"a": live})["a"] is live

    def test_truth_and_equality(self, provider: TokenProvider) -> None:
        live, other = live_azure_token(provider), live_azure_token(provider)
        assert live
        assert live == live
        assert live != other
        assert live != "token-1"
        assert len({live, other}) == 2

    def test_nothing_else_is_on_it(self, provider: TokenProvider) -> None:
        live = live_azure_token(provider)
        assert not hasattr(live, "refresh_token")
        assert not hasattr(live, "_refresh_token")
        assert not hasattr(live, "__dict__")


class TestAcquiring:
    def test_before_it_returns(self, provider: TokenProvider, credential: ScriptedCredential) -> None:
        live_azure_token(provider)
        assert credential.calls == 1

    @pytest.mark.parametrize("face", ["as_sync", "as_async"])
    def test_either_face(self, provider: TokenProvider, face: str) -> None:
        assert str(live_azure_token(getattr(provider, face)())) == "token-1"

    def test_its_error_arrives_unchanged(self, engine: Any) -> None:
        failing = TokenProvider(ScriptedCredential(AuthenticationFailed("no")), "api://a")
        with pytest.raises(AuthenticationFailed, match=r"^no\. See "):
            live_azure_token(failing)

    @pytest.mark.parametrize("given", [None, "token", ScriptedCredential(), object()])
    def test_what_is_no_provider(self, given: Any) -> None:
        with pytest.raises(ConfigurationError, match="TokenProvider"):
            live_azure_token(given)

    def test_in_a_loop_without_a_token(self, provider: TokenProvider, run: Any, credential: ScriptedCredential) -> None:
        async def main() -> None:
            with pytest.raises(ConfigurationError, match="await live_azure_token_async"):
                live_azure_token(provider)

        run(main)
        assert credential.calls == 0

    def test_in_a_loop_with_a_token(self, provider: TokenProvider, run: Any) -> None:
        async def main() -> str:
            await provider.as_async().token()
            return str(live_azure_token(provider))

        assert run(main) == "token-1"

    @pytest.mark.parametrize("face", ["as_sync", "as_async"])
    def test_awaited_in_a_loop(self, provider: TokenProvider, run: Any, face: str) -> None:
        async def main() -> str:
            return str(await live_azure_token_async(getattr(provider, face)()))

        assert run(main) == "token-1"


class TestKeepingFresh:
    def test_while_it_is_referenced(
        self, provider: TokenProvider, clock: ManualClock, credential: ScriptedCredential
    ) -> None:
        live = live_azure_token(provider)
        for renewals in (2, 3):
            clock.advance(3000)
            eventually(lambda renewals=renewals: provider.status().renewals == renewals)
        assert credential.calls == 3
        assert str(live)

    def test_no_longer(self, provider: TokenProvider, clock: ManualClock, credential: ScriptedCredential) -> None:
        live = live_azure_token(provider)
        del live
        gc.collect()
        clock.advance(3000)
        eventually(lambda: not [t for t in threading.enumerate() if t.name == "entra-tokens-keep-fresh"])
        assert credential.calls == 1


class TestWithNothingLeft:
    def test_it_waits_where_no_loop_runs(
        self, provider: TokenProvider, clock: ManualClock, credential: ScriptedCredential
    ) -> None:
        live = live_azure_token(provider)
        credential.hold()
        clock.advance(3601)
        got: list[str] = []
        reader = threading.Thread(target=lambda: got.append(str(live)))
        reader.start()
        assert credential.wait_for_call()
        assert credential.wait_for_call()
        assert not got
        credential.release()
        reader.join(30)
        assert got == ["token-2"]

    def test_it_raises_inside_a_loop(
        self, provider: TokenProvider, clock: ManualClock, credential: ScriptedCredential, run: Any
    ) -> None:
        async def main() -> str:
            live = await live_azure_token_async(provider)
            credential.hold()
            clock.advance(3601)
            with pytest.raises(TokenTimeout, match="nobody may wait"):
                str(live)
            credential.release()
            # The renewal goes on behind it.
            await provider.as_async().token()
            return str(live)

        assert run(main) == "token-2"

    def test_why_it_failed_is_what_raises_inside_a_loop(
        self, provider: TokenProvider, clock: ManualClock, credential: ScriptedCredential, run: Any
    ) -> None:
        async def main() -> None:
            live = await live_azure_token_async(provider)
            credential.answer(AuthenticationFailed("the secret has run out"))
            clock.advance(3601)
            with pytest.raises(AuthenticationFailed, match="run out"):
                await provider.as_async().token()
            with pytest.raises(AuthenticationFailed, match="the secret has run out"):
                f"Bearer-AD {live}"

        run(main)

    def test_nobody_is_prompted_inside_a_loop(self, engine: Any, clock: ManualClock, run: Any) -> None:
        prompting: list[bool] = []

        def sign_in(request: TokenRequest) -> Token:
            prompting.append(current().may_prompt)
            if not prompting[-1]:
                raise InteractionRequired("sign in again")
            return credential.issue(f"token-{len(prompting)}", request)

        credential = ScriptedCredential(sign_in, interactive=True)
        provider = TokenProvider(credential, "api://h2ogpte")

        async def main() -> None:
            live = await live_azure_token_async(provider)
            clock.advance(3601)
            for _ in range(3):
                with pytest.raises(TokenTimeout, match="inside an event loop"):
                    str(live)
            assert True not in prompting[1:]
            await provider.as_async().token()
            assert str(live).startswith("token-")

        run(main)

    def test_in_another_thread_than_the_loops_it_waits(self, provider: TokenProvider, clock: ManualClock) -> None:
        async def main() -> str:
            live = await live_azure_token_async(provider)
            clock.advance(3601)
            return await asyncio.to_thread(str, live)

        assert asyncio.run(main()) == "token-2"

    def test_a_stale_token_is_given_at_once_inside_a_loop(
        self, provider: TokenProvider, clock: ManualClock, credential: ScriptedCredential, run: Any
    ) -> None:
        async def main() -> str:
            live = await live_azure_token_async(provider)
            credential.hold()
            clock.advance(3500)
            return str(live)

        assert run(main) == "token-1"
        credential.release()

    def test_a_refused_token_is_given_at_once_inside_a_loop(
        self, provider: TokenProvider, credential: ScriptedCredential, run: Any
    ) -> None:
        async def main() -> str:
            live = await live_azure_token_async(provider)
            credential.hold()
            assert provider.invalidate("token-1")
            return str(live)

        assert run(main) == "token-1"
        credential.release()
