"""Azure OpenAI: the client calls the provider for every request. The asynchronous client takes the other face.

AZURE_OPENAI_ENDPOINT  https://<name>.openai.azure.com
MODEL                  the deployment's name
Needs openai.
"""

import asyncio
import os

from openai import AsyncAzureOpenAI, AzureOpenAI

from entra_tokens import TokenProvider

ENDPOINT, VERSION = os.environ["AZURE_OPENAI_ENDPOINT"], "2024-10-21"
ASKED = {"model": os.environ["MODEL"], "messages": [{"role": "user", "content": "Is it?"}]}
provider = TokenProvider(scope="https://cognitiveservices.azure.com/.default")


def ask() -> None:
    with AzureOpenAI(azure_endpoint=ENDPOINT, api_version=VERSION, azure_ad_token_provider=provider) as client:
        print("sync: ", client.chat.completions.create(**ASKED).choices[0].message.content)


async def ask_async() -> None:
    face = provider.as_async()  # the other one would block the loop at a renewal
    async with AsyncAzureOpenAI(azure_endpoint=ENDPOINT, api_version=VERSION, azure_ad_token_provider=face) as client:
        print("async:", (await client.chat.completions.create(**ASKED)).choices[0].message.content)


if __name__ == "__main__":
    ask()
    asyncio.run(ask_async())
