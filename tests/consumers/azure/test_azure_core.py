"""azure-core's own pipelines, and two SDK clients on them: a provider is a credential."""

from __future__ import annotations

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.pipeline import AsyncPipeline, Pipeline
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, BearerTokenCredentialPolicy
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient

from entra_tokens import TokenProvider
from entra_tokens.testing import ScriptedCredential, fresh_engine

from ..conftest import LIFE
from ..kit import Answer, Stub, as_json, stub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.testing import ManualClock

SCOPE = "https://storage.azure.com/.default"
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1700000000"}}}'
CONTAINERS = (
    b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://localhost/"><Containers>'
    b'<Container><Name>photographs</Name><Properties><Etag>"0x1"</Etag><Last-Modified>Tue, 24 Nov 2026 08:00:00 GMT'
    b"</Last-Modified></Properties></Container></Containers><NextMarker /></EnumerationResults>"
)


def answers(_method: str, path: str) -> Answer:
    if path.startswith("/secrets/"):
        return as_json({"value": "hush", "id": "https://localhost/secrets/a/1", "attributes": {"enabled": True}})
    if "comp=list" in path:
        return Answer(CONTAINERS, "application/xml")
    return as_json({})


@pytest.fixture
def server() -> Iterator[Stub]:
    with stub(answers) as server:
        yield server


def send(pipeline: Any, url: str) -> int:
    return int(pipeline.run(HttpRequest("GET", url)).http_response.status_code)


async def asend(pipeline: Any, url: str) -> int:
    return int((await pipeline.run(HttpRequest("GET", url))).http_response.status_code)


def test_a_pipeline_follows_the_token(provider: TokenProvider, server: Stub, clock: ManualClock) -> None:
    with Pipeline(RequestsTransport(), [BearerTokenCredentialPolicy(provider, SCOPE)]) as pipeline:
        assert send(pipeline, server.url) == 200
        clock.advance(LIFE)
        assert send(pipeline, server.url) == 200
    assert server.tokens == ["token-1", "token-2"]


def test_an_asynchronous_pipeline_follows_the_token(provider: TokenProvider, server: Stub, clock: ManualClock) -> None:
    async def run() -> None:
        policies = [AsyncBearerTokenCredentialPolicy(provider.as_async(), SCOPE)]
        async with AsyncPipeline(AioHttpTransport(), policies) as pipeline:
            assert await asend(pipeline, server.url) == 200
            clock.advance(LIFE)
            assert await asend(pipeline, server.url) == 200

    asyncio.run(run())
    assert server.tokens == ["token-1", "token-2"]


def test_a_pipeline_keeps_its_copy_until_the_token_is_due(server: Stub) -> None:
    """On the machine's own clock, which both sides read."""
    with fresh_engine():
        provider = TokenProvider(ScriptedCredential(lifetime=1), "api://app")
        with Pipeline(RequestsTransport(), [BearerTokenCredentialPolicy(provider, SCOPE)]) as pipeline:
            assert send(pipeline, server.url) == 200
            threading.Event().wait(1.2)
            assert send(pipeline, server.url) == 200
    assert server.tokens == ["token-1", "token-2"]


def challenge(server: Stub) -> None:
    claims = base64.b64encode(CLAIMS.encode()).decode()
    server.challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
    server.refused, server.together = {"token-1"}, threading.Barrier(16)


def test_a_burst_of_claims_challenges_costs_one_request(
    provider: TokenProvider, server: Stub, credential: ScriptedCredential
) -> None:
    challenge(server)

    def one(_: int) -> int:
        policy = BearerTokenCredentialPolicy(provider, SCOPE, enable_cae=True)
        with Pipeline(RequestsTransport(), [policy]) as pipeline:
            return send(pipeline, server.url)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(16))) == [200] * 16
    assert [request.claims for request in credential.requests] == [None, CLAIMS]


def test_a_burst_of_claims_challenges_costs_one_request_in_a_loop(
    provider: TokenProvider, server: Stub, credential: ScriptedCredential
) -> None:
    challenge(server)

    async def run() -> list[int]:
        policies = [AsyncBearerTokenCredentialPolicy(provider.as_async(), SCOPE, enable_cae=True)]
        async with AsyncPipeline(AioHttpTransport(), policies) as pipeline:
            return await asyncio.gather(*(asend(pipeline, server.url) for _ in range(16)))

    assert asyncio.run(run()) == [200] * 16
    assert [request.claims for request in credential.requests] == [None, CLAIMS]


def test_storage_blob(provider: TokenProvider, server: Stub, clock: ManualClock) -> None:
    with BlobServiceClient(server.url, credential=provider) as client:
        assert [each.name for each in client.list_containers()] == ["photographs"]
        clock.advance(LIFE)
        assert [each.name for each in client.list_containers()] == ["photographs"]

    async def run() -> None:
        async with AsyncBlobServiceClient(server.url, credential=provider.as_async()) as client:
            assert [each.name async for each in client.list_containers()] == ["photographs"]

    asyncio.run(run())
    assert server.tokens == ["token-1", "token-2", "token-2"]
    assert provider.get_token("https://storage.azure.com/.default").token == "token-2"  # still open


def test_keyvault_secrets(provider: TokenProvider, server: Stub, credential: ScriptedCredential) -> None:
    """It asks without a token first, and takes tenant and scope from the challenge."""
    server.refused = {None}
    server.challenge = 'Bearer authorization="https://login.example.com/a-tenant", resource="https://vault.azure.net"'
    options: dict[str, Any] = {"verify_challenge_resource": False}
    with SecretClient(server.url, provider, **options) as client:
        assert client.get_secret("a").value == "hush"

    async def run() -> None:
        async with AsyncSecretClient(server.url, provider.as_async(), **options) as client:
            assert (await client.get_secret("a")).value == "hush"

    asyncio.run(run())
    assert [token for token in server.tokens if token] == ["token-1", "token-1"]
    assert [request.scopes for request in credential.requests] == [("https://vault.azure.net/.default",)]
