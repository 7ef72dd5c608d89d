"""Files in Azure storage through fsspec (pandas, Dask, DuckDB): adlfs is asynchronous inside, and takes that face.

ACCOUNT       the storage account's name
ACCOUNT_HOST  only where it is not <account>.blob.core.windows.net
Needs adlfs.
"""

import asyncio
import os

from adlfs import AzureBlobFileSystem

from entra_tokens import TokenProvider

ACCOUNT, HOST = os.environ["ACCOUNT"], os.environ.get("ACCOUNT_HOST")
provider = TokenProvider(scope="https://storage.azure.com/.default")


def files() -> None:
    # adlfs closes what it is given: a handle of its own, which leaves the others open.
    filesystem = AzureBlobFileSystem(ACCOUNT, account_host=HOST, credential=provider.as_async())
    print("sync: ", filesystem.ls(""))


async def files_async() -> None:
    filesystem = AzureBlobFileSystem(ACCOUNT, account_host=HOST, credential=provider.as_async(), asynchronous=True)
    print("async:", await filesystem._ls(""))  # noqa: SLF001 - fsspec's name for it


if __name__ == "__main__":
    files()
    asyncio.run(files_async())
