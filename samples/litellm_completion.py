"""litellm on Azure OpenAI. It takes the synchronous face only, and runs it on a thread for acompletion().

AZURE_OPENAI_ENDPOINT  https://<name>.openai.azure.com
MODEL                  the deployment's name
Needs litellm.
"""

import asyncio
import os

import litellm

from entra_tokens import TokenProvider

options = {
    "model": f"azure/{os.environ['MODEL']}",
    "api_base": os.environ["AZURE_OPENAI_ENDPOINT"],
    "api_version": "2024-10-21",
    "azure_ad_token_provider": TokenProvider(scope="https://cognitiveservices.azure.com/.default"),
    "messages": [{"role": "user", "content": "Is it?"}],
}


async def ask_async() -> None:
    print("async:", (await litellm.acompletion(**options)).choices[0].message.content)


if __name__ == "__main__":
    print("sync: ", litellm.completion(**options).choices[0].message.content)
    asyncio.run(ask_async())
