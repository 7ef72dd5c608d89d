"""ClientCertificate: an application that holds a certificate's private key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .certificate import CertificateProof
from .msal_application import MsalApplication

if TYPE_CHECKING:
    import os

    from ..authority.verify import Verify

__all__ = ["ClientCertificate"]


class ClientCertificate(MsalApplication[CertificateProof]):
    """Signs an application in with its certificate (OAuth 2.0 client credentials with a signed assertion).

    A file is read again at every acquisition, so that a renewed certificate is picked up. Any number of threads may
    acquire at once. Pickles if it was given a path and no password; otherwise it holds a secret.

    Args:
        tenant_id: The tenant's id or one of its domains.
        client_id: The application's (client) id.
        certificate: A file with the certificate and its RSA key, or the content of one as bytes: PEM or PFX (PKCS#12).
        password: Of the private key.
        send_chain: Whether the certificates go along (`x5c`), for applications that trust a subject name and issuer.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is read or sent at construction; `acquire()` raises it for
            a file that cannot be used.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        certificate: str | os.PathLike[str] | bytes,
        *,
        password: str | bytes | None = None,
        send_chain: bool = False,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        super().__init__(
            "client_certificate",
            tenant_id,
            client_id,
            CertificateProof(certificate, password, send_chain=send_chain),
            authority=authority,
            verify=verify,
            proxy=proxy,
            timeout=timeout,
        )

    def _arguments(self) -> tuple[Any, ...]:
        return self.tenant_id, self.client_id, self._proof.path

    def _keywords(self) -> dict[str, Any]:
        return {**super()._keywords(), "send_chain": self._proof.send_chain}
