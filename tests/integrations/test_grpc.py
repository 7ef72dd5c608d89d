"""gRPC over TLS on loopback: the real package, sync and aio."""

from __future__ import annotations

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import grpc.aio
import pytest
import trustme

from entra_tokens import InvalidCredential
from entra_tokens.integrations.grpc import AsyncRetryRefused, EntraAuth, RetryRefused

from .service import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens import TokenProvider
    from entra_tokens.testing import ManualClock, ScriptedCredential


class Service(NamedTuple):
    """Echoes; refuses tokens that are in `refused`."""

    target: str
    root: bytes
    shown: list[str | None]
    refused: set[str | None]
    challenge: list[str]

    def credentials(self, auth: EntraAuth) -> grpc.ChannelCredentials:
        return grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(self.root), grpc.metadata_call_credentials(auth)
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    shown: list[str | None] = []
    refused: set[str | None] = set()
    challenge = ["Bearer"]

    def verify(context: grpc.ServicerContext) -> None:
        token = dict(context.invocation_metadata()).get("authorization")
        shown.append(token and token.removeprefix("Bearer "))
        if shown[-1] in refused:
            context.set_trailing_metadata((("www-authenticate", challenge[0]),))
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "refused")

    def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
        verify(context)
        return request

    def repeat(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        verify(context)
        yield from (request, request)

    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "Repeat": grpc.unary_stream_rpc_method_handler(repeat),
    }
    made = grpc.server(ThreadPoolExecutor(16))
    made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
    pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
    port = made.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
    made.start()
    yield Service(f"localhost:{port}", authority.cert_pem.bytes(), shown, refused, challenge)
    made.stop(None).wait()


@pytest.fixture(autouse=True)
def clean(server: Service) -> None:
    server.shown.clear()
    server.refused.clear()
    server.challenge[:] = ["Bearer"]


@pytest.fixture
def channel(server: Service, provider: TokenProvider) -> Iterator[Any]:
    with grpc.secure_channel(server.target, server.credentials(EntraAuth(provider))) as channel:
        yield grpc.intercept_channel(channel, RetryRefused(provider))


def test_each_call_carries_the_current_token(channel: Any, server: Service, clock: ManualClock) -> None:
    echo = channel.unary_unary("/test.Service/Echo")
    assert echo(b"one") == b"one"
    assert list(channel.unary_stream("/test.Service/Repeat")(b"two")) == [b"two", b"two"]
    clock.advance(3600)
    assert echo.future(b"three").result(30) == b"three"
    assert server.shown == ["token-1", "token-1", "token-2"]


def test_a_refused_call_is_made_once_more_and_a_burst_costs_one_renewal(
    channel: Any, server: Service, credential: ScriptedCredential
) -> None:
    echo = channel.unary_unary("/test.Service/Echo")
    server.refused.add("token-1")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(echo, [b"x"] * 8)) == [b"x"] * 8
    assert credential.calls == 2
    server.refused.add("token-2")
    with pytest.raises(grpc.RpcError) as raised:
        echo(b"again")
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert credential.calls == 2  # one forced renewal a minute
    assert server.shown[-1] == "token-2"


def test_a_claims_challenge_goes_to_the_authority(
    channel: Any, server: Service, credential: ScriptedCredential
) -> None:
    server.refused.add("token-1")
    server.challenge[:] = [f'Bearer claims="{base64.b64encode(CLAIMS.encode()).decode()}"']
    assert channel.unary_unary("/test.Service/Echo")(b"x") == b"x"
    assert [request.claims for request in credential.requests] == [None, CLAIMS]


def test_aio(server: Service, provider: TokenProvider, credential: ScriptedCredential, clock: ManualClock) -> None:
    auth, retry = EntraAuth(provider), AsyncRetryRefused(provider.as_async())

    async def calls() -> None:
        credentials = server.credentials(auth)
        async with grpc.aio.secure_channel(server.target, credentials, interceptors=[retry]) as channel:
            echo = channel.unary_unary("/test.Service/Echo")
            assert await echo(b"one") == b"one"
            clock.advance(3600)
            server.refused.add("token-2")
            assert await asyncio.gather(*(echo(b"x") for _ in range(8))) == [b"x"] * 8
            assert [part async for part in channel.unary_stream("/test.Service/Repeat")(b"y")] == [b"y", b"y"]

    asyncio.run(calls())
    assert server.shown[0] == "token-1"
    assert set(server.shown[1:]) == {"token-2", "token-3"}
    assert credential.calls == 3


def test_a_token_is_for_the_host_that_was_named(server: Service, provider: TokenProvider) -> None:
    credentials = server.credentials(EntraAuth(provider, host="api.example.com"))
    with grpc.secure_channel(server.target, credentials) as channel:
        assert channel.unary_unary("/test.Service/Echo")(b"x") == b"x"
    assert server.shown == [None]


def test_a_call_says_why_there_is_no_token(
    server: Service, credential: ScriptedCredential, provider: TokenProvider
) -> None:

    credential.answer(InvalidCredential("The secret has run out."))
    credentials = server.credentials(EntraAuth(provider))
    with grpc.secure_channel(server.target, credentials) as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test.Service/Echo")(b"x")
    assert "The secret has run out." in raised.value.details()
    assert server.shown == []
