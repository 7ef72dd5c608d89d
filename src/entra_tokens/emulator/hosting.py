"""What stands for the places that code runs in: their identities, switches, secrets, files and commands."""

from __future__ import annotations

import secrets
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from .arc_keys import ArcKeys
from .federated_file import FederatedFile
from .host_switches import HostSwitches
from .identities import Identities
from .outside_issuer import BINDING_AUDIENCE, ISSUERS, KUBERNETES, OutsideIssuer
from .tools import Tools

if TYPE_CHECKING:
    from .clock import EmulatorClock
    from .directory import Directory
    from .signing import Signer

__all__ = ["Hosting"]


def _header() -> str:
    return secrets.token_hex(16).upper()


class Hosting:
    """One emulator's. Any thread may call anything.

    Args:
        url: Where the hosts without TLS listen.
        secure_url: Where Service Fabric, the CI services and the outside issuers listen.
        thumbprint: The SHA-1 of the certificate there, by which Service Fabric's clients know it.
        token_proxy_url: Where the token proxy of AKS listens.
        token_proxy_ca: The authority of its certificate, PEM.
    """

    def __init__(
        self,
        clock: EmulatorClock,
        directory: Directory,
        signer: Signer,
        *,
        url: str,
        secure_url: str,
        thumbprint: str,
        token_proxy_url: str,
        token_proxy_ca: bytes,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="entra-tokens-")
        folder = Path(self._folder.name)
        self.url = url
        self.secure_url = secure_url
        self.thumbprint = thumbprint
        self.identities: Identities = Identities(directory)
        self.switches: HostSwitches = HostSwitches()
        self.tools: Tools = Tools(folder, url)
        self.arc_keys: ArcKeys = ArcKeys()
        self.outside: dict[str, OutsideIssuer] = {
            name: OutsideIssuer(name, clock, signer, secure_url) for name in ISSUERS
        }
        self.federated_file: FederatedFile = FederatedFile(folder / "azure-identity-token", self.outside[KUBERNETES])
        self.bound_file: FederatedFile = FederatedFile(
            folder / "identity-binding-token", self.outside[KUBERNETES], BINDING_AUDIENCE
        )
        self.token_proxy_url: str = token_proxy_url
        self.token_proxy_ca_file: Path = folder / "token-proxy-ca.pem"
        self.token_proxy_ca_file.write_bytes(token_proxy_ca)
        self.app_service_header: str = _header()
        self.app_service_2017_secret: str = _header()
        self.azure_ml_secret: str = _header()
        self.service_fabric_header: str = _header()
        self.github_token: str = secrets.token_urlsafe(32)
        self.pipelines_token: str = secrets.token_urlsafe(32)
        self.service_connection_id: str = str(uuid.uuid4())

    def close(self) -> None:
        """Take every file away. Idempotent."""
        self.arc_keys.close()
        self._folder.cleanup()
