"""What users' checkers must take without a word."""

from __future__ import annotations

import httpx2
import openai
from langchain_openai import AzureChatOpenAI

from entra_tokens import TokenProvider
from entra_tokens.integrations.httpx2 import EntraAuth

provider = TokenProvider(None, "api://app")
aprovider = provider.as_async()
openai.AzureOpenAI(azure_ad_token_provider=provider, api_version="v", azure_endpoint="https://localhost")
openai.AsyncAzureOpenAI(azure_ad_token_provider=aprovider, api_version="v", azure_endpoint="https://localhost")
openai.OpenAI(api_key=provider)
openai.AsyncOpenAI(api_key=aprovider)
openai.OpenAI(http_client=httpx2.Client(auth=EntraAuth(provider)))
AzureChatOpenAI(azure_ad_token_provider=provider, azure_ad_async_token_provider=aprovider)
