"""Microsoft Graph with a kiota client: the provider goes into its authentication provider, in either face.

GRAPH_HOST   graph.microsoft.com, or that of a national cloud
Needs microsoft-kiota-authentication-azure; with msgraph-sdk: GraphServiceClient(provider, [SCOPE]).
"""

import asyncio
import os

from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider

from entra_tokens import TokenProvider

HOST = os.environ.get("GRAPH_HOST", "graph.microsoft.com")
SCOPE = f"https://{HOST}/.default"
provider = TokenProvider(scope=SCOPE)


async def me(given: object) -> bool:
    authentication = AzureIdentityAuthenticationProvider(given, scopes=[SCOPE], allowed_hosts=[HOST])
    request = RequestInformation()
    request.url = f"https://{HOST}/v1.0/me"
    await authentication.authenticate_request(request)
    return bool(request.headers.get("Authorization"))


if __name__ == "__main__":
    print("sync: ", asyncio.run(me(provider)))  # kiota is asynchronous; this one may block its loop
    print("async:", asyncio.run(me(provider.as_async())))
