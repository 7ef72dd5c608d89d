"""h2oGPTe from an Azure virtual machine or scale set, as the machine's own identity; IMDS is asked four at a time.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
IDENTITY            only for a user-assigned identity: its resource id, /subscriptions/…/userAssignedIdentities/…
"""

import asyncio
import os

from entra_tokens import ManagedIdentity, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(ManagedIdentity(resource_id=os.environ.get("IDENTITY")))


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
