"""Token providers for Microsoft Entra ID.

>>> from entra_tokens import ManagedIdentity, TokenProvider
>>> provider = TokenProvider(ManagedIdentity(), "api://h2ogpte/.default")

Names are loaded when they are first used, so that `import entra_tokens` costs a few milliseconds.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # what type checkers take for True; `typing` itself is most of what an import would cost
if TYPE_CHECKING:
    from .challenge import claims_from_challenge
    from .credentials.azure_cli import AzureCli
    from .credentials.azure_developer_cli import AzureDeveloperCli
    from .credentials.azure_identity import AzureIdentity
    from .credentials.azure_pipelines import AzurePipelines
    from .credentials.azure_powershell import AzurePowerShell
    from .credentials.chain import Chain
    from .credentials.client_assertion import ClientAssertion
    from .credentials.client_certificate import ClientCertificate
    from .credentials.client_secret import ClientSecret
    from .credentials.default import Default
    from .credentials.device_code import DeviceCode, DeviceCodePrompt
    from .credentials.environment import Environment
    from .credentials.github_actions import GitHubActions
    from .credentials.interactive_browser import InteractiveBrowser
    from .credentials.managed_identity import ManagedIdentity
    from .credentials.on_behalf_of import OnBehalfOf
    from .credentials.protocol import Credential
    from .credentials.static import StaticToken
    from .credentials.workload_identity import WorkloadIdentity
    from .engine.policy import RefreshPolicy
    from .engine.status import ProviderStatus, TokenEvent
    from .errors import (
        AuthenticationFailed,
        AuthorityUnavailable,
        ConfigurationError,
        ConsentRequired,
        CredentialUnavailable,
        EntraTokensError,
        InteractionRequired,
        InvalidCredential,
        StoreError,
        TokenTimeout,
    )
    from .provider import AsyncTokenProvider, TokenProvider
    from .request import TokenRequest
    from .stores.file import FileStore
    from .token import Token

__version__ = "0.1.0"

_HOMES = {
    "challenge": ("claims_from_challenge",),
    "credentials.azure_cli": ("AzureCli",),
    "credentials.azure_developer_cli": ("AzureDeveloperCli",),
    "credentials.azure_identity": ("AzureIdentity",),
    "credentials.azure_pipelines": ("AzurePipelines",),
    "credentials.azure_powershell": ("AzurePowerShell",),
    "credentials.chain": ("Chain",),
    "credentials.client_assertion": ("ClientAssertion",),
    "credentials.client_certificate": ("ClientCertificate",),
    "credentials.client_secret": ("ClientSecret",),
    "credentials.default": ("Default",),
    "credentials.device_code": ("DeviceCode", "DeviceCodePrompt"),
    "credentials.environment": ("Environment",),
    "credentials.github_actions": ("GitHubActions",),
    "credentials.interactive_browser": ("InteractiveBrowser",),
    "credentials.managed_identity": ("ManagedIdentity",),
    "credentials.on_behalf_of": ("OnBehalfOf",),
    "credentials.protocol": ("Credential",),
    "credentials.static": ("StaticToken",),
    "credentials.workload_identity": ("WorkloadIdentity",),
    "engine.policy": ("RefreshPolicy",),
    "engine.status": ("ProviderStatus", "TokenEvent"),
    "errors": (
        "AuthenticationFailed",
        "AuthorityUnavailable",
        "ConfigurationError",
        "ConsentRequired",
        "CredentialUnavailable",
        "EntraTokensError",
        "InteractionRequired",
        "InvalidCredential",
        "StoreError",
        "TokenTimeout",
    ),
    "provider": ("AsyncTokenProvider", "TokenProvider"),
    "request": ("TokenRequest",),
    "stores.file": ("FileStore",),
    "token": ("Token",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AsyncTokenProvider",
    "AuthenticationFailed",
    "AuthorityUnavailable",
    "AzureCli",
    "AzureDeveloperCli",
    "AzureIdentity",
    "AzurePipelines",
    "AzurePowerShell",
    "Chain",
    "ClientAssertion",
    "ClientCertificate",
    "ClientSecret",
    "ConfigurationError",
    "ConsentRequired",
    "Credential",
    "CredentialUnavailable",
    "Default",
    "DeviceCode",
    "DeviceCodePrompt",
    "EntraTokensError",
    "Environment",
    "FileStore",
    "GitHubActions",
    "InteractionRequired",
    "InteractiveBrowser",
    "InvalidCredential",
    "ManagedIdentity",
    "OnBehalfOf",
    "ProviderStatus",
    "RefreshPolicy",
    "StaticToken",
    "StoreError",
    "Token",
    "TokenEvent",
    "TokenProvider",
    "TokenRequest",
    "TokenTimeout",
    "WorkloadIdentity",
    "claims_from_challenge",
]


if not TYPE_CHECKING:  # a checker must see a misspelt name

    def __getattr__(name: str) -> object:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
