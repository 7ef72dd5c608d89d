"""Which host this is, by its variables, in azure-identity's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from ...environment import read
from ...errors import ConfigurationError, CredentialUnavailable
from .imds import Imds

if TYPE_CHECKING:
    from .host import Host, Selector

__all__ = ["Unsupported", "detect"]


class Unsupported:
    """A host that is known and not spoken to: says so when a token is wanted, so that a chain goes on."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self._why = why

    @property
    def key(self) -> tuple[str, ...]:
        """Its name."""
        return ("unsupported", self.name)

    def check(self, selector: Selector) -> None:
        """Nothing to select from."""

    def token(self, *_: object, who: str, **__: object) -> NoReturn:
        """Raise CredentialUnavailable."""
        raise CredentialUnavailable(f"{who}: {self._why}")


def detect() -> Host:
    """The host that the environment names; IMDS if it names none.

    Raises:
        ConfigurationError: The address that it names is not one.
    """
    endpoint, header = read("IDENTITY_ENDPOINT"), read("IDENTITY_HEADER")
    if endpoint:
        if header and read("IDENTITY_SERVER_THUMBPRINT"):
            return _later("Service Fabric")
        if header:
            from .app_service import AppService

            return AppService(_checked("IDENTITY_ENDPOINT", endpoint), header)
        if read("IMDS_ENDPOINT"):
            return _later("Azure Arc")
    elif read("MSI_ENDPOINT"):
        return _later("Azure Machine Learning" if read("MSI_SECRET") else "Azure Cloud Shell")
    elif read("AZURE_AUTHORITY_HOST") and read("AZURE_TENANT_ID") and read("AZURE_FEDERATED_TOKEN_FILE"):
        return _later("AKS workload identity")
    if endpoint:
        return Unsupported(
            "IDENTITY_ENDPOINT",
            "IDENTITY_ENDPOINT is set without IDENTITY_HEADER or IMDS_ENDPOINT, and no known host does that. Unset it, "
            "or set what belongs to it.",
        )
    imds = Imds.from_environment()
    _checked("AZURE_POD_IDENTITY_AUTHORITY_HOST", imds.base)
    return imds


def _later(name: str) -> Unsupported:
    return Unsupported(
        name,
        f"this is {name}, whose managed identity is not supported here. Use AzureIdentity("
        "azure.identity.ManagedIdentityCredential()) on it.",
    )


def _checked(variable: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url or "#" in url:
        raise ConfigurationError(f"{variable} must hold an address such as 'http://localhost:4141/msi/token'.")
    return url
