"""h2oGPTe from Azure Functions (this file is function_app.py there), as the function app's own identity.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
AZURE_CLIENT_ID     only for a user-assigned identity: its client id
Needs azure-functions.
"""

import os

import azure.functions as func

from entra_tokens import ManagedIdentity, TokenProvider
from h2ogpte import H2OGPTE, H2OGPTEAsync

ADDRESS = os.environ["H2OGPTE_ADDRESS"]
# Made once a process, outside the functions: an invocation finds the token that an earlier one got.
provider = TokenProvider(ManagedIdentity(client_id=os.environ.get("AZURE_CLIENT_ID")))
app = func.FunctionApp()


@app.route("collections")
def collections(req: func.HttpRequest) -> func.HttpResponse:
    client = H2OGPTE(address=ADDRESS, token_provider=provider)
    names = [collection.name for collection in client.list_recent_collections(0, 10)]
    return func.HttpResponse(f"{req.method} sync:  {', '.join(names)}")


@app.route("collections-async")
async def collections_async(req: func.HttpRequest) -> func.HttpResponse:
    async with H2OGPTEAsync(address=ADDRESS, token_provider=provider.as_async()) as client:
        names = [collection.name for collection in await client.list_recent_collections(0, 10)]
    return func.HttpResponse(f"{req.method} async: {', '.join(names)}")
