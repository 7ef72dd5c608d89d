"""h2oGPTe behind a FastAPI service: `uvicorn fastapi_service:app`. One provider for all requests of a process.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
Needs fastapi and uvicorn.
"""

import os

from fastapi import FastAPI

from entra_tokens import TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(keep_fresh=True)  # renewed when nobody calls, too: no request waits for a token
app = FastAPI()


@app.get("/sync")
def collections() -> list[str]:  # FastAPI runs it on a thread
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    return [collection.name for collection in client.list_recent_collections(0, 10)]


@app.get("/async")
async def collections_async() -> list[str]:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        return [collection.name for collection in await client.list_recent_collections(0, 10)]


@app.get("/health")
def health() -> dict[str, str]:
    return {"token": provider.status().state}
