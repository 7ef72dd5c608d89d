"""Which host this is, by its variables, in azure-identity's order.

AKS workload identity comes before IMDS, and is no host: `names_workload_identity` knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from ...environment import read
from ...errors import ConfigurationError, CredentialUnavailable

if TYPE_CHECKING:
    from .host import Host
    from .selector import Selector

__all__ = ["Unsupported", "detect", "names_workload_identity"]


class Unsupported:
    """A host that nobody knows: says so when a token is wanted, so that a chain goes on."""

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
        raise CredentialUnavailable(f"{who}: {self._why}", anchor="managed-identity")


def detect() -> Host:
    """The host that the environment names; IMDS if it names none.

    Raises:
        ConfigurationError: The address that it names is not one.
    """
    endpoint, header = read("IDENTITY_ENDPOINT"), read("IDENTITY_HEADER")
    msi, secret = read("MSI_ENDPOINT"), read("MSI_SECRET")
    thumbprint = read("IDENTITY_SERVER_THUMBPRINT")
    if endpoint and header and thumbprint:
        from .service_fabric import ServiceFabric, checked_thumbprint

        address = _checked("IDENTITY_ENDPOINT", endpoint, "https://localhost:2377/metadata/identity/oauth2/token")
        return ServiceFabric(address, header, checked_thumbprint(thumbprint))
    if endpoint and header:
        from .app_service import AppService

        return AppService(_checked("IDENTITY_ENDPOINT", endpoint), header)
    if endpoint and read("IMDS_ENDPOINT"):
        from .arc import Arc

        return Arc(_checked("IDENTITY_ENDPOINT", endpoint))
    if not endpoint and msi and secret:
        from .app_service_2017 import AppService2017

        return AppService2017.from_environment(_checked("MSI_ENDPOINT", msi), secret)
    if not endpoint and msi:
        from .cloud_shell import CloudShell

        return CloudShell(_checked("MSI_ENDPOINT", msi))
    if endpoint:
        return Unsupported(
            "IDENTITY_ENDPOINT",
            "IDENTITY_ENDPOINT is set without IDENTITY_HEADER or IMDS_ENDPOINT, and no known host does that. Unset it, "
            "or set what belongs to it.",
        )
    from .imds import Imds

    imds = Imds.from_environment()
    _checked("AZURE_POD_IDENTITY_AUTHORITY_HOST", imds.base)
    return imds


def names_workload_identity() -> bool:
    """Whether this is a pod with AKS workload identity, and no variable names a host that comes before it."""
    return (
        not read("IDENTITY_ENDPOINT")
        and not read("MSI_ENDPOINT")
        and bool(read("AZURE_AUTHORITY_HOST") and read("AZURE_TENANT_ID") and read("AZURE_FEDERATED_TOKEN_FILE"))
    )


def _checked(variable: str, url: str, example: str = "http://localhost:4141/msi/token") -> str:
    scheme = example.partition(":")[0]
    try:
        parts = urlsplit(url)
        usable = parts.scheme == scheme and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url or "#" in url:
        raise ConfigurationError(f"{variable} must hold an address such as {example!r}.")
    return url
