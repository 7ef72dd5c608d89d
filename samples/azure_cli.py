"""h2oGPTe as whoever is signed in with `az login`: a developer's machine.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
"""

import asyncio
import os

from entra_tokens import AzureCli, CredentialUnavailable, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(AzureCli())  # one `az` process for each renewal, however many clients ask


def collections() -> None:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    for collection in client.list_recent_collections(0, 10):
        print("sync: ", collection.name)


async def collections_async() -> None:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        for collection in await client.list_recent_collections(0, 10):
            print("async:", collection.name)


if __name__ == "__main__":
    try:
        collections()
        asyncio.run(collections_async())
    except CredentialUnavailable as error:  # no `az` here, or nobody is signed in
        raise SystemExit(str(error)) from None
