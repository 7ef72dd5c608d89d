"""Which authority: one https origin, and nothing that could smuggle in another."""

from __future__ import annotations

import re

from .. import environment
from ..errors import ConfigurationError
from .urls import urlsplit

__all__ = ["PUBLIC_CLOUD", "default_authority", "is_same_origin", "normalised_authority"]

PUBLIC_CLOUD = "https://login.microsoftonline.com"

# Hosts that answer with a discovery document naming their cloud's network host, as instance discovery lists them.
# Asking the network host at once keeps "no other origin than the authority's" true for them.
_NETWORK_HOSTS = {
    "login.windows.net": "login.microsoftonline.com",
    "login.microsoft.com": "login.microsoftonline.com",
    "sts.windows.net": "login.microsoftonline.com",
    "login.chinacloudapi.cn": "login.partner.microsoftonline.cn",
    "login.usgovcloudapi.net": "login.microsoftonline.us",
}
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PLAIN = rf"https://({_LABEL}(?:\.{_LABEL})*)(?::(?!443\Z)(?:[1-9][0-9]{{0,3}}|[1-5][0-9]{{4}}))?"  # stays as it is
_HOST = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]"


def default_authority() -> str:
    """The authority of `AZURE_AUTHORITY_HOST`, else the public cloud."""
    return environment.read("AZURE_AUTHORITY_HOST", PUBLIC_CLOUD)


def normalised_authority(authority: str | None = None) -> str:
    """Return `https://host[:port]` for what a user gave, or for the environment's default.

    Args:
        authority: With or without `https://`, with or without a trailing slash. None: the environment's.

    Raises:
        ConfigurationError: It is not https, or holds a path, a query, a user or characters that no host has.
    """
    given = default_authority() if authority is None else authority
    if not isinstance(given, str):
        raise ConfigurationError(f"authority must be a str, not {type(given).__name__}.")
    text = given.strip(" ")
    if "://" not in text:
        text = "https://" + text
    plain = re.fullmatch(_PLAIN, text)
    if plain and plain[1] not in _NETWORK_HOSTS:
        return text
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("it is not an address") from None
    if not text.isascii() or not text.isprintable() or "\\" in text or " " in text:
        raise _refused("it holds characters that no address has")
    if parts.scheme != "https":
        raise _refused("it must be https: secrets travel to it")
    if "@" in parts.netloc:
        raise _refused("it must not hold a user name or a password")
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise _refused("it must be a host alone, the tenant goes into tenant_id=")
    host = f"[{host}]" if ":" in host else host
    if not re.fullmatch(_HOST, host) or ".." in host or port == 0 or parts.netloc.endswith(":"):
        raise _refused("its host or port is malformed")
    host = _NETWORK_HOSTS.get(host, host)
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def is_same_origin(url: str, authority: str) -> bool:
    """Whether an address lies on the authority (RFC 6454 §5)."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
        base = urlsplit(authority)
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and "@" not in parts.netloc
        and "\\" not in url
        and parts.hostname == base.hostname
        and port == (base.port or 443)
    )


def _refused(why: str) -> ConfigurationError:
    # The value is not repeated: a mistaken one can hold a password.
    return ConfigurationError(
        f"The authority cannot be used: {why}. Give one like '{PUBLIC_CLOUD}' (authority= or AZURE_AUTHORITY_HOST)."
    )
