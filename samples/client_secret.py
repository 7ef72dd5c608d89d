"""h2oGPTe as an application with a client secret: a server outside Azure, a CI job.

H2OGPTE_ADDRESS      https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE   api://<application id of the h2oGPTe server>/.default
AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET   your own application's
"""

import asyncio
import os

from entra_tokens import ClientSecret, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
# The secret is given as a function: it is read again at every renewal, and so a rotated one is taken up.
credential = ClientSecret(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], lambda: os.environ["AZURE_CLIENT_SECRET"]
)
provider = TokenProvider(credential)


def ask() -> None:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    with client.connect(client.create_chat_session()) as chat:
        print("sync: ", chat.query("What is a token?", timeout=60).content)


async def ask_async() -> None:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        chat_id = await client.create_chat_session()
        async with client.connect(chat_id) as chat:
            print("async:", (await chat.query("What is a token?", timeout=60)).content)


if __name__ == "__main__":
    ask()
    asyncio.run(ask_async())
