"""TLS to a host that is known by its certificate's thumbprint alone, as Service Fabric's is."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from typing import TYPE_CHECKING

from ...engine.workers import importing
from ...errors import AuthenticationFailed

if TYPE_CHECKING:
    from ..link import Link

__all__ = ["secure_pinned"]


def secure_pinned(link: Link, host: str, thumbprint: str, *, who: str) -> None:
    """Speak TLS on a connection, with the holder of one certificate only.

    The thumbprint stands for names, dates and CAs; it comes from the platform, by the environment.

    Args:
        link: The connection; its time limit holds for this too.
        host: The server name to ask for.
        thumbprint: SHA-1 of the certificate, lower-case hex digits.
        who: The credential and its host, for messages.

    Raises:
        AuthenticationFailed: It is another certificate; nothing but the handshake was sent.
        OSError: No TLS.
    """
    with importing():  # as for every context: verify.py
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    shown = hashlib.sha1(link.secure(context, host), usedforsecurity=False).hexdigest()
    if hmac.compare_digest(shown, thumbprint):
        return
    raise AuthenticationFailed(
        f"{who}: the host showed a certificate other than that of IDENTITY_SERVER_THUMBPRINT. Nothing was sent to it. "
        "Restart the application if the cluster's certificate was renewed.",
        error="certificate_mismatch",
        anchor="managed-identity",
    )
