"""Where a token may be sent: https, or this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..origin import is_loopback

__all__ = ["checked_address"]


def checked_address(address: str) -> str:
    """Return the address without a trailing slash.

    Args:
        address: `https://host[:port][/path]`; `http` for loopback only.

    Raises:
        ConfigurationError: It is none, or holds a user name, a query or a fragment.
    """
    if not isinstance(address, str):
        raise ConfigurationError(f"The h2oGPTe address must be a str, not {type(address).__name__}.")
    text = address.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("it is not an address") from None
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise _refused("it holds characters that no address has")
    if "@" in parts.netloc:
        # requests and httpx would send them as Basic in the token's place.
        raise _refused("it must not hold a user name or a password")
    if "?" in text or "#" in text:
        raise _refused("it must not hold a query or a fragment")
    if not host or port == 0:
        raise _refused("it names no host")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _refused("it must be https, because a token travels to it (http is for localhost only)")
    return text


def _refused(why: str) -> ConfigurationError:
    # The value is not repeated: a mistaken one can hold a password.
    return ConfigurationError(
        f"The h2oGPTe address cannot be used: {why}. Give one like 'https://h2ogpte.example.com'."
    )
