"""TLS to a host that is known by its certificate's thumbprint alone, as Service Fabric's is."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from typing import TYPE_CHECKING, Any

from ...errors import AuthenticationFailed

if TYPE_CHECKING:
    import socket

    from .exchange import Link

__all__ = ["pinned"]


def pinned(link: Link, host: str, thumbprint: str, *, who: str) -> socket.socket:
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
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = _PinnedLink
    link.settimeout(link.left())
    found = context.wrap_socket(link, server_hostname=host)
    assert isinstance(found, _PinnedLink)  # noqa: S101 - for mypy
    found.until = link.until
    shown = hashlib.sha1(found.getpeercert(binary_form=True) or b"", usedforsecurity=False).hexdigest()
    if hmac.compare_digest(shown, thumbprint):
        return found
    found.close()
    raise AuthenticationFailed(
        f"{who}: the host showed a certificate other than that of IDENTITY_SERVER_THUMBPRINT. Nothing was sent to it. "
        "Restart the application if the cluster's certificate was renewed.",
        error="certificate_mismatch",
        anchor="managed-identity",
    )


class _PinnedLink(ssl.SSLSocket):
    """The same limit on the whole time as a plain link has."""

    until = 0.0

    def _left(self) -> float:
        from ...engine.clock import SYSTEM_CLOCK

        left = self.until - SYSTEM_CLOCK.boot()
        if left <= 0:
            raise TimeoutError
        return left

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self._left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self._left())
        return super().sendall(*args, **kwargs)
