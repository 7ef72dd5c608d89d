"""h2oGPTe from Azure Container Apps, as a user-assigned identity: it is there before the first revision starts.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
AZURE_CLIENT_ID     the identity's client id; assign it to the app and set this in the container
IDENTITY_ENDPOINT, IDENTITY_HEADER   Container Apps sets them
"""

import asyncio
import os

from entra_tokens import ManagedIdentity, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(ManagedIdentity(client_id=os.environ["AZURE_CLIENT_ID"]))


def collections() -> None:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    for collection in client.list_recent_collections(0, 10):
        print("sync: ", collection.name)


async def collections_async() -> None:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        for collection in await client.list_recent_collections(0, 10):
            print("async:", collection.name)


if __name__ == "__main__":
    collections()
    asyncio.run(collections_async())
