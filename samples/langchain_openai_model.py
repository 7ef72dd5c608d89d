"""LangChain on Azure OpenAI: both faces, for invoke() and ainvoke().

AZURE_OPENAI_ENDPOINT  https://<name>.openai.azure.com
MODEL                  the deployment's name
Needs langchain-openai.
"""

import asyncio
import os

from langchain_openai import AzureChatOpenAI

from entra_tokens import TokenProvider

provider = TokenProvider(scope="https://cognitiveservices.azure.com/.default")
model = AzureChatOpenAI(
    azure_endpoint=os.environ["AZURE_OPENAI_ENDPOINT"],
    azure_deployment=os.environ["MODEL"],
    api_version="2024-10-21",
    azure_ad_token_provider=provider,
    azure_ad_async_token_provider=provider.as_async(),  # without it ainvoke() blocks its loop at a renewal
)


async def ask_async() -> None:
    print("async:", (await model.ainvoke("Is it?")).content)


if __name__ == "__main__":
    print("sync: ", model.invoke("Is it?").content)
    asyncio.run(ask_async())
