"""h2oGPTe from a pod in AKS with workload identity: a token of the cluster is exchanged for one of Entra.

The pod needs the label azure.workload.identity/use: "true" and a service account with the annotation
azure.workload.identity/client-id; the webhook then sets AZURE_TENANT_ID, AZURE_CLIENT_ID,
AZURE_FEDERATED_TOKEN_FILE and AZURE_AUTHORITY_HOST, and renews the file, which is read at each exchange.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
"""

import asyncio
import os

from entra_tokens import TokenProvider, WorkloadIdentity
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(WorkloadIdentity())


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
