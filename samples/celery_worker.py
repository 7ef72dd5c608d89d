"""h2oGPTe from Celery tasks: `celery -A celery_worker worker`. The pool's processes are forks, and the provider may be.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
BROKER_URL          redis://localhost:6379/0
Needs celery[redis].
"""

import asyncio
import os

from celery import Celery

from entra_tokens import TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider()  # no credential named: whatever this place offers
app = Celery(broker=os.environ["BROKER_URL"], backend=os.environ["BROKER_URL"])


@app.task(name="collections")
def collections() -> list[str]:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    return [collection.name for collection in client.list_recent_collections(0, 10)]


async def names() -> list[str]:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        return [collection.name for collection in await client.list_recent_collections(0, 10)]


@app.task(name="collections_async")
def collections_async() -> list[str]:
    return asyncio.run(names())  # a loop for each task: a provider may be used in many
