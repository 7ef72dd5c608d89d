"""H2O's other clients (here Secure Store and, asynchronous, Drive) call the provider for every request.

H2O_CLOUD_ENVIRONMENT  https://cloud.example.com
ENTRA_TOKENS_SCOPE     api://<application id of H2O AI Cloud>/.default
Needs h2o-secure-store and h2o-drive; h2o-mlops, h2o-engine-manager, h2o-workflows and h2o-notebook are alike.
"""

import asyncio
import os

import h2o_discovery
import h2o_drive
import h2o_secure_store

from entra_tokens import TokenProvider

CLOUD = os.environ["H2O_CLOUD_ENVIRONMENT"]
provider = TokenProvider(keep_fresh=True)  # Drive asks in its loop: with this it is never made to wait


def secrets() -> None:
    clients = h2o_secure_store.login(environment=CLOUD, token_provider=provider)
    print("sync: ", len(clients.secret_client.list_secrets("workspaces/default").secrets))


async def files_async() -> None:
    drive = h2o_drive.connect(discovery=await h2o_discovery.discover_async(CLOUD), token_provider=provider)
    print("async:", [each.key for each in await drive.user_bucket().list_objects()])


if __name__ == "__main__":
    secrets()
    asyncio.run(files_async())
