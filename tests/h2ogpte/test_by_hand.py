"""The real clients' own parameters: `token_provider=`, a static `azure_token=`, and the one-shot `azure_token()`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from h2ogpte.errors import UnauthorizedError
from websockets.exceptions import InvalidStatus

from entra_tokens.h2ogpte import live_azure_token, live_azure_token_async
from h2ogpte import H2OGPTE, H2OGPTEAsync

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens import TokenProvider
    from entra_tokens.emulator import Emulator

# The client hands its verify= on to httpx, which would rather have an SSLContext.
# The shared client makes a bare SSLContext().
pytestmark = [
    pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.(SSLContext|PROTOCOL_TLS):DeprecationWarning"),
]

NONE_GIVEN = "Please use either an API key, a Token provider, or an Azure token to authenticate."
SEVERAL_GIVEN = "api_key, token_provider, and azure_token are mutually exclusive. Please provide exactly one."


def use(client: H2OGPTE) -> None:
    assert client.get_meta().username
    assert client.count_collections() == 1
    with client.connect(client.create_chat_session()) as session:
        assert session.query("hello", timeout=10).content == "You asked: hello"


async def use_async(client: H2OGPTEAsync) -> None:
    assert (await client.get_meta()).username
    assert await client.count_collections() == 1
    async with client.connect(await client.create_chat_session()) as session:
        assert (await session.query("hello", timeout=10)).content == "You asked: hello"


def schemes(e: Emulator) -> set[tuple[str, bool]]:
    return {(record.scheme, record.verified) for record in e.front.records}


class TestTokenProvider:
    def test_sync(self, e: Emulator, provider: TokenProvider) -> None:
        client = H2OGPTE(address=e.h2ogpte_url, token_provider=provider, verify=e.ca_file)
        use(client)
        e.advance(4000)
        use(client)
        assert schemes(e) == {("Bearer-Token", True)}
        assert len(e.token_requests) == 2
        assert e.front.leaked_refresh_tokens == 0

    def test_async(self, e: Emulator, provider: TokenProvider, closing: Callable[[Any], Any]) -> None:
        async def main() -> None:
            made = H2OGPTEAsync(address=e.h2ogpte_url, token_provider=provider.as_async(), verify=e.ca_file)
            async with closing(made) as client:
                await use_async(client)
                e.advance(4000)
                await use_async(client)

        asyncio.run(main())
        assert schemes(e) == {("Bearer-Token", True)}
        assert len(e.token_requests) == 2
        assert e.front.leaked_refresh_tokens == 0

    @pytest.mark.parametrize("face", ["as_sync", "as_async"])
    def test_nothing_on_it_is_posted_as_refresh_token(self, provider: TokenProvider, face: str) -> None:
        made = getattr(provider, face)()
        assert not [name for name in dir(made) if name.strip("_") == "refresh_token"]
        assert not hasattr(made, "refresh_token")
        assert not hasattr(made, "_refresh_token")


class TestStaticAzureToken:
    def test_sync(self, e: Emulator, provider: TokenProvider) -> None:
        client = H2OGPTE(address=e.h2ogpte_url, azure_token=provider.azure_token(), verify=e.ca_file)
        use(client)
        assert schemes(e) == {("Bearer-AD", True)}
        e.advance(4000)
        with pytest.raises(UnauthorizedError):
            client.get_meta()
        with pytest.raises(UnauthorizedError):
            client.count_collections()
        with pytest.raises(UnauthorizedError):
            client.connect("some-session").connect()

    def test_async(self, e: Emulator, provider: TokenProvider, closing: Callable[[Any], Any]) -> None:
        async def main() -> None:
            token = await provider.as_async().azure_token()
            async with closing(H2OGPTEAsync(address=e.h2ogpte_url, azure_token=token, verify=e.ca_file)) as client:
                await use_async(client)
                e.advance(4000)
                with pytest.raises(UnauthorizedError):
                    await client.get_meta()
                with pytest.raises(UnauthorizedError):
                    await client.count_collections()

        asyncio.run(main())

    def test_shared(self, e: Emulator, provider: TokenProvider, shared_client: Callable[..., Any]) -> None:
        client = shared_client(azure_token=provider.azure_token())
        assert client.query("session-1", "hello", timeout=10).content == "You asked: hello"
        assert schemes(e) == {("Bearer-AD", True)}
        e.advance(4000)
        client.close_session("session-1")
        with pytest.raises(InvalidStatus, match="401"):
            client.query("session-1", "again", timeout=10, retries=0)

    def test_shared_goes_on_with_a_fresh_one(
        self, e: Emulator, provider: TokenProvider, shared_client: Callable[..., Any]
    ) -> None:
        shared_client(azure_token=provider.azure_token()).query("session-1", "hello", timeout=10)
        e.advance(4000)
        client = shared_client(azure_token=provider.azure_token())
        client.close_session("session-1")
        assert client.query("session-1", "again", timeout=10).content == "You asked: again"
        upgrades = [record.token_digest for record in e.front.records if record.method == "WEBSOCKET"]
        assert len(set(upgrades)) == 2


class TestLiveAzureToken:
    def test_sync(self, e: Emulator, provider: TokenProvider) -> None:
        client = H2OGPTE(address=e.h2ogpte_url, azure_token=live_azure_token(provider), verify=e.ca_file)
        use(client)
        for _ in range(2):
            e.advance(4000)
            use(client)
        assert schemes(e) == {("Bearer-AD", True)}
        assert len(e.token_requests) == 3

    def test_async(self, e: Emulator, provider: TokenProvider, closing: Callable[[Any], Any]) -> None:
        async def main() -> None:
            live = await live_azure_token_async(provider.as_async())
            async with closing(H2OGPTEAsync(address=e.h2ogpte_url, azure_token=live, verify=e.ca_file)) as client:
                await use_async(client)
                before = provider.status().renewals
                e.advance(3000)
                await provider.as_async().token()
                while provider.status().renewals == before:  # kept fresh
                    await asyncio.sleep(0.005)
                await use_async(client)

        asyncio.run(main())
        assert schemes(e) == {("Bearer-AD", True)}
        assert len(e.front.tokens_by_client.popitem()[1]) == 2


class TestTheClientsOwnErrors:
    """None or several methods given: nothing of ours stands in between."""

    @pytest.mark.parametrize("client", [H2OGPTE, H2OGPTEAsync])
    def test_none(self, e: Emulator, client: Any) -> None:
        with pytest.raises(RuntimeError) as raised:
            client(address=e.h2ogpte_url)
        assert str(raised.value) == NONE_GIVEN

    @pytest.mark.parametrize("client", [H2OGPTE, H2OGPTEAsync])
    @pytest.mark.parametrize(
        "methods", [("api_key", "provider"), ("provider", "live"), ("api_key", "provider", "live")]
    )
    def test_several(self, e: Emulator, provider: TokenProvider, client: Any, methods: tuple[str, ...]) -> None:
        live = live_azure_token(provider)
        every = {"api_key": ("api_key", "k"), "provider": ("token_provider", provider), "live": ("azure_token", live)}
        with pytest.raises(RuntimeError) as raised:
            client(address=e.h2ogpte_url, **dict(every[method] for method in methods))
        assert str(raised.value) == SEVERAL_GIVEN

    def test_shared(self, shared_client: Callable[..., Any]) -> None:
        with pytest.raises(RuntimeError, match="either an api_key or an azure_token"):
            shared_client()
        with pytest.raises(RuntimeError, match="api_key and azure_token are mutually exclusive"):
            shared_client(api_key="k", azure_token="t")
