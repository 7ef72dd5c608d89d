"""h2oGPTe behind gunicorn: `gunicorn --preload --workers 4 gunicorn_app:app`. Workers inherit the token by fork.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
Needs gunicorn.
"""

import asyncio
import os
from collections.abc import Callable, Iterable

from entra_tokens import TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider()  # no credential named: whatever this place offers
provider.token()  # before the fork: one request for all workers, each of which renews at an instant of its own


def names() -> list[str]:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    return [collection.name for collection in client.list_recent_collections(0, 10)]


async def names_async() -> list[str]:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        return [collection.name for collection in await client.list_recent_collections(0, 10)]


def app(request: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    found = asyncio.run(names_async()) if request["PATH_INFO"] == "/async" else names()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [", ".join(found).encode()]
