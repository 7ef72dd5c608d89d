"""Where the clients' chat sockets go, and what a refused upgrade says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ..authority.verify import ssl_context

if TYPE_CHECKING:
    import ssl

__all__ = ["FORBIDDEN", "LARGEST", "socket_context", "socket_url", "status_of"]

FORBIDDEN = 403  # which the clients take for a 401, and is none: another token would be refused, too
LARGEST = 5 * 1024 * 1024  # bytes of one message; the clients' own limit


def socket_url(address: str, session_id: str, source: str = "") -> str:
    """The address of a chat session's socket: at the root of the host, as the clients have it.

    Args:
        address: A checked address.
        session_id: Is quoted; the clients' own code pastes it in as it is.
        source: Who asks; the clients with sessions say "py".
    """
    parts = urlsplit(address)
    scheme = "wss" if parts.scheme == "https" else "ws"
    asked = f"&source={source}" if source else ""
    return f"{scheme}://{parts.netloc}/ws?currentSessionID={quote(session_id, safe='')}{asked}"


def socket_context(address: str, verify: bool | str | ssl.SSLContext) -> ssl.SSLContext | None:
    """Whom to trust at the socket; None where it is plain, on loopback.

    Raises:
        ConfigurationError: The CA file cannot be read.
    """
    return ssl_context(verify) if urlsplit(address).scheme == "https" else None


def status_of(error: BaseException) -> int | None:
    """The HTTP status with which an upgrade was refused, from either exception that websockets has for it."""
    status = getattr(error, "status_code", None)  # InvalidStatusCode, of its older client
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)  # InvalidStatus
    return status if isinstance(status, int) else None
