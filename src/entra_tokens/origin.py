"""Where a token may travel to: an https origin (RFC 6454 §4), or this machine."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from .errors import ConfigurationError

__all__ = ["Origin", "is_loopback", "origin", "origin_named"]

_SECURE = {"http": "http", "https": "https", "ws": "http", "wss": "https"}  # a socket's opening is an HTTP request
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Who a request goes to. A host at another port is somebody else."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS.get(self.scheme) else f":{self.port}")

    @property
    def is_safe(self) -> bool:
        """Whether a token may be sent there: by https, or to this machine."""
        return self.scheme == "https" or (self.scheme == "http" and is_loopback(self.host))


def origin(scheme: str, host: str | None, port: int | None) -> Origin:
    """An origin from what an HTTP library took a URL apart into, so that nobody parses it a second time."""
    scheme = _SECURE.get(scheme.lower(), scheme.lower())
    return Origin(scheme, _plain(host or ""), port or _PORTS.get(scheme, 0))


def origin_named(name: str) -> Origin:
    """The origin that a person names: `api.example.com`, `localhost:8080`, `https://api.example.com/v1`.

    Raises:
        ConfigurationError: It names none, or one that no token may be sent to.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f"host takes a name such as 'api.example.com', not a {type(name).__name__}.")
    text = name.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        found = origin(parts.scheme, parts.hostname, parts.port)
    except ValueError:
        found = Origin("", "", 0)
    if not found.host or "@" in text or not text.isprintable() or " " in text or "\\" in text:
        # The value is not repeated: a mistaken one can hold a password.
        raise ConfigurationError("host takes a name such as 'api.example.com' or 'https://api.example.com:8443'.")
    if not found.is_safe:
        raise ConfigurationError(f"{found} must be https, because a token travels to it (http is for localhost only).")
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name (RFC 6761 §6.3), without asking a resolver."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _plain(host: str) -> str:
    host = host.strip("[]").rstrip(".").lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host
