"""What rows 21 and 22 run in fresh processes: each library's shortest way to a managed-identity token."""

from __future__ import annotations

from outcome import AZURE, MSAL, OURS

__all__ = ["PROGRAMS"]

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

PROGRAMS = {AZURE: _AZURE, MSAL: _MSAL, OURS: _OURS}
