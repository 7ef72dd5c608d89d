"""The service account's token that Kubernetes keeps in a file of the pod's."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from .outside_issuer import AUDIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from .outside_issuer import OutsideIssuer

__all__ = ["LIFETIME", "FederatedFile"]

LIFETIME = 3600  # seconds; the default of the AKS webhook (azure-workload-identity)


class FederatedFile:
    """Any thread may call anything."""

    def __init__(self, path: Path, issuer: OutsideIssuer, audience: str = AUDIENCE) -> None:
        self._path = path
        self._audience = audience
        self._issuer = issuer
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """Where it is; written at the first look."""
        if not self._path.exists():
            self.rotate()
        return self._path

    def rotate(self, lifetime: float = LIFETIME, *, subject: str | None = None, audience: str | None = None) -> str:
        """Put a new token in the place of the old one, at once and whole, as the kubelet does; returns it."""
        token = self._issuer.token(audience or self._audience, lifetime, subject)
        with self._lock:
            fresh = self._path.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(token, encoding="ascii")
            os.replace(fresh, self._path)
        return token
