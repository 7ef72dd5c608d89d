"""The token proxy of AKS identity bindings: a host in the cluster that takes a pod's token in the authority's place.

A token for it has the audience `api://AKSIdentityBinding`; the authority itself would refuse it with AADSTS700211 or
700212. What follows from the variables is what azure-identity makes of them. It uses them where it is told to
(`enable_azure_proxy=True`), and this wherever they are set: whoever set them made the pod's token for the proxy, too.

https://learn.microsoft.com/azure/aks/identity-bindings-concepts
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .. import environment
from ..errors import ConfigurationError
from ..record import Record

__all__ = ["TokenProxy"]

_PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"
_SNI = "AZURE_KUBERNETES_SNI_NAME"
_CA_FILE, _CA_DATA = "AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA"


class TokenProxy(Record):
    """Where it is, and whom to take for it. Pickles; no secret is inside.

    Args:
        url: `https://host[:port]`, with a path before the authority's own or without; no slash at its end.
        server_name: Whose certificate it has to show; None: its host's.
        ca_file: The file with the authority of its certificate, read when a token is wanted.
        ca_data: The same as PEM text. Neither: whom the credential trusts.
    """

    url: str
    server_name: str | None
    ca_file: str | None
    ca_data: str | None

    def __init__(
        self, url: str, server_name: str | None = None, ca_file: str | None = None, ca_data: str | None = None
    ) -> None:
        self._set(url=url, server_name=server_name, ca_file=ca_file, ca_data=ca_data)

    @classmethod
    def from_environment(cls) -> TokenProxy | None:
        """The one that the variables name; None: none is set.

        Raises:
            ConfigurationError: They do not fit each other, or name an address that is none.
        """
        url, ca_file, ca_data = environment.read(_PROXY), environment.read(_CA_FILE), environment.read(_CA_DATA)
        name = environment.read(_SNI)
        if not url:
            there = [each for each in (_SNI, _CA_FILE, _CA_DATA) if environment.read(each)]
            if there:
                raise ConfigurationError(
                    f"{_PROXY} is not set, but {' and '.join(there)}: set all that belong to it, or none."
                )
            return None
        if ca_file and ca_data:
            raise ConfigurationError(f"{_CA_FILE} and {_CA_DATA} are both set: set one of them.")
        try:
            parts = urlsplit(url)
            usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
            usable = usable and url.isprintable() and not {"?", "#", "\\", " "} & set(url) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:  # not repeated: it may hold a password
            raise ConfigurationError(f"{_PROXY} must be an https address without user name, query and fragment.")
        return cls(url.rstrip("/"), name or None, ca_file or None, ca_data or None)

    @property
    def key(self) -> str:
        """What of it decides whose token comes back."""
        import hashlib

        ca = "" if self.ca_data is None else hashlib.sha256(self.ca_data.encode()).hexdigest()
        return " ".join([self.url, self.server_name or "", self.ca_file or "", ca])

    def address(self, url: str) -> str:
        """Where a request for this address of the authority's goes."""
        return self.url + urlsplit(url).path
