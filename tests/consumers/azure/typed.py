"""What users' checkers must take without a word."""

from __future__ import annotations

from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, BearerTokenCredentialPolicy
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider

from entra_tokens import TokenProvider

provider = TokenProvider(None, "api://app")
aprovider = provider.as_async()
credential: TokenCredential = provider
with_info: SupportsTokenInfo = provider
acredential: AsyncTokenCredential = aprovider
awith_info: AsyncSupportsTokenInfo = aprovider
BearerTokenCredentialPolicy(provider, "s")
AsyncBearerTokenCredentialPolicy(aprovider, "s")
SecretClient("https://localhost", provider)
AsyncSecretClient("https://localhost", aprovider)
BlobServiceClient("https://localhost", credential=provider)
AsyncBlobServiceClient("https://localhost", credential=aprovider)
AzureIdentityAuthenticationProvider(provider)
AzureIdentityAuthenticationProvider(aprovider)
