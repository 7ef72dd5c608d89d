"""h2oGPTe from a GitHub Actions job, without a secret: the job's own token is exchanged for one of Entra.

The job needs `permissions: {id-token: write}`, and the application a federated credential for the repository.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
AZURE_TENANT_ID, AZURE_CLIENT_ID   the application's; neither is a secret
"""

import asyncio
import os

from entra_tokens import GitHubActions, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(GitHubActions(os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"]))


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
