"""openai and langchain-openai call the provider for every request, and want a real `str`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from langchain_openai import AzureChatOpenAI

from entra_tokens.integrations.httpx import EntraAuth

from ..conftest import LIFE
from ..kit import Stub, as_json, mypy, stub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens import TokenProvider
    from entra_tokens.testing import ManualClock, ScriptedCredential

COMPLETION = {
    "id": "chat-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
ASKED: list[Any] = [{"role": "user", "content": "Is it?"}]


@pytest.fixture
def server() -> Iterator[Stub]:
    with stub(lambda _method, _path: as_json(COMPLETION)) as server:
        yield server


@pytest.fixture
def azure(server: Stub) -> dict[str, Any]:
    return {"azure_endpoint": server.url, "api_version": "2024-10-21", "max_retries": 0}


def test_openai_follows_the_token(
    provider: TokenProvider, server: Stub, azure: dict[str, Any], clock: ManualClock
) -> None:
    with openai.AzureOpenAI(azure_ad_token_provider=provider, **azure) as client:
        assert client.chat.completions.create(model="gpt", messages=ASKED).choices[0].message.content == "Yes."
        clock.advance(LIFE)
        client.chat.completions.create(model="gpt", messages=ASKED)
    assert server.tokens == ["token-1", "token-2"]


def test_openai_asynchronously(
    provider: TokenProvider, server: Stub, azure: dict[str, Any], clock: ManualClock
) -> None:
    async def run() -> None:
        async with openai.AsyncAzureOpenAI(azure_ad_token_provider=provider.as_async(), **azure) as client:
            await client.chat.completions.create(model="gpt", messages=ASKED)
            clock.advance(LIFE)
            await client.chat.completions.create(model="gpt", messages=ASKED)

    asyncio.run(run())
    assert server.tokens == ["token-1", "token-2"]


def test_the_v1_endpoint_takes_it_as_api_key(provider: TokenProvider, server: Stub, clock: ManualClock) -> None:
    url = f"{server.url}/openai/v1"
    with openai.OpenAI(base_url=url, api_key=provider, max_retries=0) as client:
        client.chat.completions.create(model="gpt", messages=ASKED)

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key=provider.as_async(), max_retries=0) as client:
            await client.chat.completions.create(model="gpt", messages=ASKED)

    clock.advance(LIFE)
    asyncio.run(run())
    assert server.tokens == ["token-1", "token-2"]


def test_a_refusal_is_the_callers_unless_the_http_client_has_our_auth(
    provider: TokenProvider, server: Stub, azure: dict[str, Any], credential: ScriptedCredential
) -> None:
    server.refused = {"token-1"}
    refusing = openai.AzureOpenAI(azure_ad_token_provider=provider, **azure)
    with refusing, pytest.raises(openai.AuthenticationError):
        refusing.chat.completions.create(model="gpt", messages=ASKED)
    http_client = httpx2.Client(auth=EntraAuth(provider, host=server.url))
    with openai.AzureOpenAI(azure_ad_token_provider=provider, http_client=http_client, **azure) as client:
        client.chat.completions.create(model="gpt", messages=ASKED)
    assert server.tokens == ["token-1", "token-1", "token-2"]
    assert credential.calls == 2


def test_langchain(provider: TokenProvider, server: Stub, azure: dict[str, Any], clock: ManualClock) -> None:
    model = AzureChatOpenAI(
        azure_deployment="gpt",
        azure_ad_token_provider=provider,
        azure_ad_async_token_provider=provider.as_async(),
        **azure,
    )
    assert model.invoke("Is it?").content == "Yes."
    clock.advance(LIFE)
    assert asyncio.run(model.ainvoke("Is it?")).content == "Yes."
    clock.advance(LIFE)
    assert model.invoke("Is it?").content == "Yes."
    assert server.tokens == ["token-1", "token-2", "token-3"]


def test_types_are_accepted() -> None:
    assert mypy(Path(__file__).with_name("typed.py")) == ""
