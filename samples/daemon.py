"""h2oGPTe from a daemon outside Azure, as an application with a certificate: it works in rounds, for months.

H2OGPTE_ADDRESS      https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE   api://<application id of the h2oGPTe server>/.default
AZURE_TENANT_ID, AZURE_CLIENT_ID   your own application's
AZURE_CLIENT_CERTIFICATE_PATH      its certificate with the private key, PEM or PFX
EVERY                seconds between two rounds
"""

import asyncio
import os
import time

from entra_tokens import ClientCertificate, EntraTokensError, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH")
provider = TokenProvider(ClientCertificate(*(os.environ[name] for name in names)), keep_fresh=True)


async def count_async() -> int:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        return len(await client.list_recent_collections(0, 10))


if __name__ == "__main__":
    while True:  # until Ctrl-C
        try:
            client = H2OGPTE(address=ADDRESS, token_provider=provider)
            print("sync: ", len(client.list_recent_collections(0, 10)), flush=True)
            print("async:", asyncio.run(count_async()), flush=True)
        except EntraTokensError as error:  # no token, and none held: the next round asks again
            print(error, flush=True)
        time.sleep(float(os.environ.get("EVERY", "60")))
