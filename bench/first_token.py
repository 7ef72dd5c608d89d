"""What rows 21 and 22 run in fresh processes: each library's shortest way to a managed-identity token, by host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from outcome import AZURE, MSAL, OURS

if TYPE_CHECKING:
    from service import TokenService

__all__ = ["HOSTS", "environ_of", "programs"]

# Service Fabric is left out: its host is asked over TLS. On AKS (the last) the authority itself is asked.
HOSTS = ("imds", "app_service", "app_service_2017", "arc", "cloud_shell", "azure_ml", "workload_identity")

_AZURE = """
from azure.identity import ManagedIdentityCredential
credential = ManagedIdentityCredential()
token = credential.get_token({scope!r}).token
"""

_MSAL = """
import msal, requests
client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
token = client.acquire_token_for_client(resource={resource!r})["access_token"]
"""

_OURS = """
from entra_tokens import ManagedIdentity, TokenProvider
provider = TokenProvider(ManagedIdentity(), {scope!r})
token = provider.token()
"""


def programs(service: TokenService, host: str) -> dict[str, str]:
    """By library; msal at its usual host alone, since azure-identity asks the others by it."""
    facts = service.facts
    codes = {AZURE: _AZURE, **({MSAL: _MSAL} if host == "imds" else {}), OURS: _OURS}
    return {peer: code.format(scope=facts.scope, resource=facts.resource) for peer, code in codes.items()}


def environ_of(service: TokenService, host: str) -> dict[str, str] | None:
    """The variables of a host; None: it cannot be played here (Azure Arc's folder is not everyone's)."""
    if host == "app_service_2017":
        # azure-identity and msal read seconds only, and this host mostly gives dates.
        service.fail("app_service_2017", reply={"expires_on": str(int(time.time() + 86400))})
    return service.environ(host)
