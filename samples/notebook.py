# %% [markdown]
"""h2oGPTe in a notebook (Jupyter, Azure ML, VS Code): cells, in which `await` needs no `asyncio.run`.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
AZURE_TENANT_ID, AZURE_CLIENT_ID   an application of yours that allows public client flows
"""

# %% Sign in once: the link and the code appear under the cell, and the sign-in outlives the kernel
import os

from entra_tokens import DeviceCode, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
provider = TokenProvider(DeviceCode(os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_TENANT_ID"]))
await provider.as_async().token()

# %% Ask, synchronously: a cell may block, and the token is renewed under it
client = H2OGPTE(address=ADDRESS, token_provider=provider)
for collection in client.list_recent_collections(0, 10):
    print("sync: ", collection.name)

# %% Ask, asynchronously: the kernel's loop goes on
async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as aclient:
    for collection in await aclient.list_recent_collections(0, 10):
        print("async:", collection.name)

# %% What is held, and until when
print(provider.status().state)
