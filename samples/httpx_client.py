"""httpx, and httpx2 likewise: an API that takes Entra tokens. A 401 is answered once with a renewed token.

API_URL             https://api.example.com/items
ENTRA_TOKENS_SCOPE  api://<application id of that API>/.default
"""

import asyncio
import os

import httpx

from entra_tokens import TokenProvider
from entra_tokens.integrations.httpx import EntraAuth

URL = os.environ["API_URL"]
provider = TokenProvider()  # no credential named: whatever this place offers
auth = EntraAuth(provider, host=URL)  # tokens go there and nowhere else


def items() -> None:
    with httpx.Client(auth=auth) as client:
        print("sync: ", client.get(URL).status_code)


async def items_async() -> None:
    async with httpx.AsyncClient(auth=auth) as client:  # the same object
        print("async:", (await client.get(URL)).status_code)


if __name__ == "__main__":
    items()
    asyncio.run(items_async())
