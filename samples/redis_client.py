"""Azure Managed Redis with Entra: open connections are authenticated again whenever the token is renewed.

REDIS_URL   rediss://<name>.<region>.redis.azure.net:10000
Needs entra-tokens[redis].
"""

import asyncio
import os

import redis
import redis.asyncio

from entra_tokens import TokenProvider
from entra_tokens.integrations.redis import EntraCredentialProvider

URL = os.environ["REDIS_URL"]
credentials = EntraCredentialProvider(TokenProvider(scope="https://redis.azure.com/.default"))


def greet() -> None:
    with redis.Redis.from_url(URL, credential_provider=credentials) as client:
        client.set("greeting", "hello")
        print("sync: ", client.get("greeting"))


async def greet_async() -> None:
    async with redis.asyncio.Redis.from_url(URL, credential_provider=credentials) as client:
        print("async:", await client.get("greeting"))


if __name__ == "__main__":
    greet()
    asyncio.run(greet_async())
