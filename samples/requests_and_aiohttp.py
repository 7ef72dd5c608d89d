"""requests, and aiohttp for the asynchronous half: an API that takes Entra tokens.

API_URL             https://api.example.com/items
ENTRA_TOKENS_SCOPE  api://<application id of that API>/.default
Needs requests, and entra-tokens[aiohttp].
"""

import asyncio
import os

import aiohttp
import requests

from entra_tokens import TokenProvider
from entra_tokens.integrations import aiohttp as for_aiohttp
from entra_tokens.integrations import requests as for_requests

URL = os.environ["API_URL"]
provider = TokenProvider()  # no credential named: whatever this place offers


def items() -> None:
    with requests.Session() as session:
        session.auth = for_requests.EntraAuth(provider, host=URL)
        print("sync: ", session.get(URL, timeout=30).status_code)


async def items_async() -> None:
    middleware = for_aiohttp.EntraAuth(provider, host=URL)
    async with aiohttp.ClientSession(middlewares=[middleware]) as session, session.get(URL) as response:
        print("async:", response.status)


if __name__ == "__main__":
    items()
    asyncio.run(items_async())
