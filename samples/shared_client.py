"""Questions to many chat sessions from many threads and tasks, over sockets that outlive their tokens.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from entra_tokens import TokenProvider
from entra_tokens.h2ogpte import AsyncSharedClient, SharedClient, connect

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
QUESTIONS = ["What is a token?", "Who renews it?", "And then?"]
provider = TokenProvider()  # no credential named: whatever this place offers


def ask(chats: list[str]) -> None:
    with SharedClient(ADDRESS, provider, timeout=120) as client, ThreadPoolExecutor() as pool:
        for answer in pool.map(client.query, chats, QUESTIONS):
            print("sync: ", answer.content)


async def ask_async(chats: list[str]) -> None:
    async with AsyncSharedClient(ADDRESS, provider, timeout=120) as client:
        for answer in await asyncio.gather(*map(client.query, chats, QUESTIONS)):
            print("async:", answer.content)


if __name__ == "__main__":
    real_client = connect(ADDRESS, provider)
    chat_ids = [real_client.create_chat_session() for _ in QUESTIONS]
    ask(chat_ids)
    asyncio.run(ask_async(chat_ids))
