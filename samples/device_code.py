"""h2oGPTe as a person who signs in with a short code on any device: a terminal without a browser.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
AZURE_TENANT_ID, AZURE_CLIENT_ID   an application of yours that allows public client flows
"""

import asyncio
import os

from entra_tokens import DeviceCode, DeviceCodePrompt, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]


def show(prompt: DeviceCodePrompt) -> None:
    print(f"Open {prompt.verification_uri} and enter {prompt.user_code}", flush=True)


provider = TokenProvider(DeviceCode(os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_TENANT_ID"], prompt=show))


def ask() -> None:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)  # asks the person; renewals do not
    for collection in client.list_recent_collections(0, 10):
        print("sync: ", collection.name)


async def ask_async() -> None:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        for collection in await client.list_recent_collections(0, 10):
            print("async:", collection.name)


if __name__ == "__main__":
    ask()
    asyncio.run(ask_async())
