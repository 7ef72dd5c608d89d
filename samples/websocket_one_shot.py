"""SharedH2OGPTEClient keeps the token that it was made with: a new client with a fresh token before that one ends.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
"""

import os
import time
from datetime import timedelta

from h2ogpte.shared_client import SharedH2OGPTEClient

from entra_tokens import TokenProvider
from h2ogpte import H2OGPTE

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
LASTS = timedelta(minutes=10)
provider = TokenProvider()  # no credential named: whatever this place offers


def new_client() -> tuple[SharedH2OGPTEClient, float]:
    token = provider.azure_token(min_lifetime=LASTS)  # one with less left is renewed first
    return SharedH2OGPTEClient(address=ADDRESS, azure_token=token), time.monotonic() + LASTS.total_seconds()


def answer(questions: list[str]) -> None:
    chat_id = H2OGPTE(address=ADDRESS, token_provider=provider).create_chat_session()
    client, until = new_client()
    for question in questions:
        if time.monotonic() > until - 60:
            client.close()  # of every such client in the process: they share their sockets
            client, until = new_client()
        print(client.query(chat_id, question, timeout=60).content)
    client.close()  # without this the script does not end


if __name__ == "__main__":
    answer(["What is a token?", "And who renews it?"])
