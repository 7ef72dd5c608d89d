"""An Azure SDK client: a provider is a credential of azure-core's kind, and needs no adapter.

STORAGE_URL   https://<account>.blob.core.windows.net
Needs azure-storage-blob, and aiohttp for the asynchronous half.
"""

import asyncio
import os

from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient

from entra_tokens import TokenProvider

URL = os.environ["STORAGE_URL"]
provider = TokenProvider(scope="https://storage.azure.com/.default")  # credential: whatever this place offers


def containers() -> None:
    with BlobServiceClient(URL, credential=provider) as client:
        for container in client.list_containers():
            print("sync: ", container.name)


async def containers_async() -> None:
    async with AsyncBlobServiceClient(URL, credential=provider.as_async()) as client:
        async for container in client.list_containers():
            print("async:", container.name)


if __name__ == "__main__":
    containers()
    asyncio.run(containers_async())
