"""What a command that we start finds in its environment: a token or the way to one, and nothing that goes past it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..token import Token

__all__ = ["beside", "led_to", "with_token", "without_ours"]

# What Azure's libraries sign in with by themselves. AZURE_CLIENT_ID and AZURE_TENANT_ID are no secrets, and stay.
OURS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IDENTITY_API_VERSION",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)
_TOKEN = ("ENTRA_TOKEN", "ENTRA_TOKEN_EXPIRES_ON", "H2OGPTE_AZURE_TOKEN")
# Values of AZURE_TOKEN_CREDENTIALS that leave managed identity in DefaultAzureCredential, in lower case.
_WITH_MANAGED_IDENTITY = ("prod", "managedidentitycredential")
_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what signs in past the token or the endpoint that a command is given."""
    return {name: value for name, value in environ.items() if name not in {*OURS, *_TOKEN}}


def with_token(environ: Mapping[str, str], token: Token) -> dict[str, str]:
    """The environment of a command that is given one token."""
    given = (str(token), str(int(token.expires_on)), str(token))
    return {**without_ours(environ), **dict(zip(_TOKEN, given, strict=True))}


def led_to(environ: Mapping[str, str], variables: Mapping[str, str], host: str) -> dict[str, str]:
    """The environment of a command whose libraries are to find the endpoint, and to find it first.

    Args:
        environ: What there is.
        variables: The endpoint's.
        host: Its host, which no proxy may stand before: it would read the secret.
    """
    led = {**without_ours(environ), **beside(environ, host), **variables}
    if led.get("AZURE_TOKEN_CREDENTIALS", "prod").lower() not in _WITH_MANAGED_IDENTITY:
        del led["AZURE_TOKEN_CREDENTIALS"]
    return led


def beside(environ: Mapping[str, str], host: str) -> dict[str, str]:
    """What has to be set beside the endpoint's variables, so that a proxy that is set is not used for it."""
    if not any(environ.get(name) for name in _PROXIES):
        return {}
    lower, upper = environ.get("no_proxy", ""), environ.get("NO_PROXY", "")
    return {
        name: _joined([value or upper or lower, host]) for name, value in (("no_proxy", lower), ("NO_PROXY", upper))
    }


def _joined(parts: Iterable[str]) -> str:
    return ",".join(filter(None, parts))
