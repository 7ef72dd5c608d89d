"""Azure Key Vault: a provider is a credential. The vault itself says which tenant it wants; allow others by name.

VAULT_URL    https://<name>.vault.azure.net
SECRET_NAME  which secret to read
VAULT_IS_A_STUB   in tests only: "1" where the vault's name is not that of a vault
Needs azure-keyvault-secrets, and aiohttp for the asynchronous half.
"""

import asyncio
import os

from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

from entra_tokens import TokenProvider

URL, NAME = os.environ["VAULT_URL"], os.environ["SECRET_NAME"]
VERIFY = {"verify_challenge_resource": os.environ.get("VAULT_IS_A_STUB") != "1"}
provider = TokenProvider(scope="https://vault.azure.net/.default")


def secret() -> None:
    with SecretClient(URL, provider, **VERIFY) as client:
        print("sync: ", client.get_secret(NAME).name)


async def secret_async() -> None:
    async with AsyncSecretClient(URL, provider.as_async(), **VERIFY) as client:
        print("async:", (await client.get_secret(NAME)).name)


if __name__ == "__main__":
    secret()
    asyncio.run(secret_async())
