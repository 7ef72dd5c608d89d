"""What is easily mixed up by hand: each is an error that names the remedy, and nothing of it is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h2o_authn
import httpx
import pytest
import requests

from entra_tokens.h2ogpte import live_azure_token_async
from h2ogpte import H2OGPTE, H2OGPTEAsync

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens import TokenProvider
    from entra_tokens.emulator import Emulator

# Python's own about the coroutine that the client did not await; httpx's about the client's verify=, ssl's about the
# shared client.
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:ssl.(SSLContext|PROTOCOL_TLS):DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated:DeprecationWarning"),
]


@pytest.mark.parametrize(
    "method",
    [
        lambda provider: {"token_provider": provider.as_async()},
        lambda provider: {"azure_token": provider.as_async().azure_token()},
        lambda provider: {"azure_token": live_azure_token_async(provider)},
        lambda provider: {"api_key": provider.as_async()()},
    ],
    ids=["token_provider", "azure_token", "live", "api_key"],
)
def test_what_is_asynchronous_in_the_synchronous_client(
    e: Emulator, provider: TokenProvider, method: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(requests.exceptions.InvalidHeader, match=r"takes the synchronous face, provider\.as_sync\(\)"):
        H2OGPTE(address=e.h2ogpte_url, verify=e.ca_file, **method(provider))
    assert e.front.arrivals == []


def test_the_coroutines_text_goes_into_no_header(e: Emulator, provider: TokenProvider) -> None:
    header = {"Authorization": provider.as_async().authorization}
    with httpx.Client(verify=False) as client, pytest.raises(httpx.LocalProtocolError, match="as_sync"):
        client.get(e.h2ogpte_url, headers={"Authorization": f"{header['Authorization']()}"})


def test_what_is_asynchronous_can_be_awaited_all_the_same(provider: TokenProvider) -> None:
    face = provider.as_async()
    assert asyncio.run(face.token()) is asyncio.run(face()) is provider.token()


def test_what_is_synchronous_in_the_asynchronous_client(e: Emulator, provider: TokenProvider) -> None:
    async def main() -> None:
        client = H2OGPTEAsync(address=e.h2ogpte_url, token_provider=provider, verify=e.ca_file)
        try:
            with pytest.raises(TypeError, match="Token can't be used in 'await'"):
                await client.get_meta()
        finally:
            await client._client.aclose()

    asyncio.run(main())
    assert e.front.arrivals == []


def test_a_provider_in_the_shared_client(
    e: Emulator, provider: TokenProvider, shared_client: Callable[..., Any]
) -> None:
    for method in ({"azure_token": provider}, {"api_key": provider.as_async()}):
        with pytest.raises(TypeError, match=r"provider\.azure_token\(\), or use entra_tokens\.h2ogpte\.SharedClient"):
            shared_client(**method)
    with pytest.raises(TypeError, match="token_provider"):
        shared_client(token_provider=provider)
    assert e.front.arrivals == []


def test_the_names_that_the_client_looks_for_and_posts(provider: TokenProvider) -> None:
    faces = provider, provider.as_async()
    assert not [name for face in faces for name in dir(face) if "refresh_token" in name]
    assert not [name for name in dir(h2o_authn.TokenProvider) if name == "refresh_token"]  # nor does its own have one
