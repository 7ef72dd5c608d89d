"""gRPC: a service that takes Entra tokens. A call that is refused is made once more with a renewed token.

GRPC_TARGET         api.example.com:443
ENTRA_TOKENS_SCOPE  api://<application id of that service>/.default
Needs entra-tokens[grpc].
"""

import asyncio
import os

import grpc
import grpc.aio

from entra_tokens import TokenProvider
from entra_tokens.integrations.grpc import AsyncRetryRefused, EntraAuth, RetryRefused

TARGET = os.environ["GRPC_TARGET"]
CHECK = "/grpc.health.v1.Health/Check"  # your own: SomeStub(channel).SomeMethod(request)
provider = TokenProvider()  # no credential named: whatever this place offers
tokens = grpc.metadata_call_credentials(EntraAuth(provider, host=TARGET))
credentials = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), tokens)


def check() -> None:
    with grpc.secure_channel(TARGET, credentials) as channel:
        print("sync: ", grpc.intercept_channel(channel, RetryRefused(provider)).unary_unary(CHECK)(b"hello"))


async def check_async() -> None:
    retry = AsyncRetryRefused(provider)
    async with grpc.aio.secure_channel(TARGET, credentials, interceptors=[retry]) as channel:
        print("async:", await channel.unary_unary(CHECK)(b"hello"))


if __name__ == "__main__":
    check()
    asyncio.run(check_async())
