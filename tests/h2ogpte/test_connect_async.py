"""connect_async() against the emulator's front, with the real H2OGPTEAsync."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from h2ogpte.errors import HTTPError, InternalServerError, UnauthorizedError

from entra_tokens import ClientSecret, ConfigurationError, InvalidCredential, TokenProvider
from entra_tokens.h2ogpte import connect, connect_async
from h2ogpte import H2OGPTEAsync

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator import Emulator

    Closing = Callable[[Any], Any]

# The client hands its verify= on to httpx, which would rather have an SSLContext.
pytestmark = pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated:DeprecationWarning")

SCHEMES = ["Bearer-Token", "Bearer-AD"]

FORBIDDEN = UnauthorizedError, HTTPError  # before 1.7.0


def asked(e: Emulator) -> list[tuple[str, bool]]:
    return [(record.scheme, record.verified) for record in e.front.records]


async def use_everything(client: H2OGPTEAsync) -> None:
    assert (await client.get_meta()).username  # rpc
    assert await client.count_collections() == 1  # REST
    async with client.connect(await client.create_chat_session()) as session:
        reply = await session.query("hello", timeout=10)
    assert reply is not None
    assert reply.content == "You asked: hello"


@pytest.mark.parametrize("scheme", ["auto", *SCHEMES])
class TestEveryKindOfCall:
    def test_it_is_the_real_client(self, e: Emulator, provider: TokenProvider, closing: Closing, scheme: Any) -> None:
        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, provider.as_async(), scheme=scheme, verify=e.ca_file)
            async with closing(made) as client:
                assert isinstance(client, H2OGPTEAsync)
                await use_everything(client)

        asyncio.run(main())
        expected = "Bearer-Token" if scheme == "auto" else scheme
        assert set(asked(e)) == {(expected, True)}
        assert e.front.leaked_refresh_tokens == 0

    def test_renewed_under_a_running_client(
        self, e: Emulator, provider: TokenProvider, closing: Closing, scheme: Any
    ) -> None:
        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
            async with closing(made) as client:
                await use_everything(client)
                for _ in range(3):
                    before = provider.status().renewals
                    e.advance(3000)  # stale, and not expired: the next call starts a renewal, or the keeper has
                    await use_everything(client)
                    while provider.status().renewals == before:
                        await asyncio.sleep(0.005)

        asyncio.run(main())
        assert e.front.refused == 0
        # The last renewal may have landed after the last call.
        assert max(map(len, e.front.tokens_by_client.values())) in {3, 4}

    def test_the_wrong_face_is_turned_round(
        self, e: Emulator, provider: TokenProvider, closing: Closing, scheme: Any
    ) -> None:
        async def main() -> None:
            async with closing(await connect_async(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)) as client:
                assert await client.count_collections() == 1

        asyncio.run(main())
        assert e.front.refused == 0

    def test_its_error_arrives_unchanged(self, e: Emulator, scheme: Any, closing: Closing) -> None:
        wrong = ClientSecret(e.tenant_id, e.client_id, "wrong", authority=e.authority, verify=e.ca_file)

        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, wrong, scope=e.h2ogpte_scope, scheme=scheme, verify=e.ca_file)
            async with closing(made) as client:
                await client.count_collections()

        with pytest.raises(InvalidCredential) as raised:
            asyncio.run(main())
        assert type(raised.value) is InvalidCredential


def fails(connected: Callable[..., None], error: Any) -> None:
    with pytest.raises(error):
        connected(and_call=False)
    gc.collect()  # the client that failed keeps its connection open, and its own close() does nothing


class TestAuto:
    @pytest.fixture
    def connected(self, e: Emulator, provider: TokenProvider, closing: Closing) -> Callable[..., None]:
        async def main(and_call: bool = True) -> None:
            async with closing(await connect_async(e.h2ogpte_url, provider, verify=e.ca_file)) as client:
                if and_call:
                    assert await client.count_collections() == 1

        return lambda **options: asyncio.run(main(**options))

    def test_asks_once_where_the_first_is_accepted(self, e: Emulator, connected: Callable[..., None]) -> None:
        connected()
        # The question; then the client's version check and the call.
        assert asked(e) == [("Bearer-Token", True)] * 3

    def test_falls_back_on_401(self, e: Emulator, connected: Callable[..., None]) -> None:
        e.front.schemes = frozenset({"Bearer-AD"})
        connected()
        assert asked(e) == [("Bearer-Token", False), *[("Bearer-AD", True)] * 3]
        assert len(e.token_requests) == 1

    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_refused_under_both(self, e: Emulator, connected: Callable[..., None]) -> None:
        e.front.schemes = frozenset()
        fails(connected, UnauthorizedError)
        # The two questions, and then the client's own, to which the rule for 401s applies.
        assert asked(e) == [("Bearer-Token", False), ("Bearer-AD", False), *[("Bearer-Token", False)] * 2]

    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    @pytest.mark.parametrize(("status", "error"), [(403, FORBIDDEN), (500, InternalServerError)])
    def test_no_second_scheme_on_anything_else(
        self, e: Emulator, connected: Callable[..., None], status: int, error: Any
    ) -> None:
        fault = e.fail("h2ogpte", status=status)
        fails(connected, error)
        assert fault.met == 2  # the question, and the client's own get_meta()

    def test_no_redirect_is_followed(self, e: Emulator, connected: Callable[..., None]) -> None:
        e.fail("h2ogpte", status=302, headers={"Location": f"{e.h2ogpte_url}/rpc/elsewhere"}, times=1)
        connected()
        assert {record.path for record in e.front.records} == {"/rpc/meta", "/api/v1/collections/count"}
        assert {record.scheme for record in e.front.records} == {"Bearer-Token"}

    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_a_server_that_cannot_be_reached(self, e: Emulator, connected: Callable[..., None]) -> None:
        e.fail("h2ogpte", fault="refuse")
        fails(connected, httpx.ConnectError)


class TestBadInput:
    @pytest.mark.parametrize("options", [{"api_key": "k"}, {"azure_token": "a"}, {"token_provider": object()}])
    def test_a_second_method_is_the_clients_own_error(
        self, e: Emulator, provider: TokenProvider, options: dict[str, Any]
    ) -> None:
        with pytest.raises(RuntimeError, match=r"mutually exclusive\. Please provide exactly one"):
            asyncio.run(connect_async(e.h2ogpte_url, provider, verify=e.ca_file, **options))
        assert e.requests == []

    def test_an_address_that_is_not_https(self, provider: TokenProvider) -> None:
        with pytest.raises(ConfigurationError, match="https"):
            asyncio.run(connect_async("http://h2ogpte.example.com", provider))

    def test_an_unknown_scheme(self, e: Emulator, provider: TokenProvider) -> None:
        with pytest.raises(ConfigurationError, match="scheme"):
            asyncio.run(connect_async(e.h2ogpte_url, provider, scheme="Basic"))  # type: ignore[arg-type]

    def test_a_ca_file_that_is_not_there(self, e: Emulator, provider: TokenProvider) -> None:
        with pytest.raises(ConfigurationError, match="CA file"):
            asyncio.run(connect_async(e.h2ogpte_url, provider, verify="/nowhere/ca.pem"))


def test_an_expired_token_never_blocks_the_loop(e: Emulator, provider: TokenProvider, closing: Closing) -> None:
    """Bearer-AD is formatted on the loop, where nothing can wait: with no token left, the client awaits one before."""

    async def main() -> None:
        made = await connect_async(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        async with closing(made) as client:
            with e.hold("token") as gate:
                e.advance(4000)
                call = asyncio.ensure_future(client.count_collections())
                while not gate.arrived.is_set():
                    await asyncio.sleep(0.005)
                assert not call.done()
                gate.release()
            assert await call == 1

    asyncio.run(main())
    assert e.front.refused == 0


def test_one_provider_for_both_clients_makes_one_request(
    e: Emulator, provider: TokenProvider, closing: Closing
) -> None:
    client = connect(e.h2ogpte_url, provider, verify=e.ca_file)

    async def main() -> None:
        async with closing(await connect_async(e.h2ogpte_url, provider, verify=e.ca_file)) as aclient:
            await use_everything(aclient)

    assert client.count_collections() == 1
    asyncio.run(main())
    assert len(e.token_requests) == 1
