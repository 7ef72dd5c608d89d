"""The token proxy of AKS identity bindings: its variables, and that it is not spoken to.

A token for it has the audience `api://AKSIdentityBinding`; the authority itself would refuse it with AADSTS700211 or
700212, which says nothing about the cause.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .. import environment
from ..errors import ConfigurationError

__all__ = ["refuse_token_proxy"]

_PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"
_SNI = "AZURE_KUBERNETES_SNI_NAME"
_CA_FILE, _CA_DATA = "AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA"


def refuse_token_proxy() -> None:
    """Do nothing where none of its variables is set.

    Raises:
        ConfigurationError: Some are: as azure-identity words it where they do not fit each other.
    """
    there = [name for name in (_PROXY, _SNI, _CA_FILE, _CA_DATA) if environment.read(name)]
    if not there:
        return
    if _PROXY not in there:
        raise ConfigurationError(f"{_PROXY} is not set, but {' and '.join(there)}: set all that belong to it, or none.")
    if _CA_FILE in there and _CA_DATA in there:
        raise ConfigurationError(f"{_CA_FILE} and {_CA_DATA} are both set: set one of them.")
    try:
        parts = urlsplit(environment.read(_PROXY))
        usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        usable = usable and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # not repeated: it may hold a password
        raise ConfigurationError(f"{_PROXY} must be an https address without user name, query and fragment.")
    raise ConfigurationError(
        f"{_PROXY} is set: this pod uses an AKS identity binding, which is not supported here. Use AzureIdentity("
        "azure.identity.WorkloadIdentityCredential(enable_azure_proxy=True))."
    )
