"""Through which proxy: `proxy=`, else `HTTPS_PROXY` unless `NO_PROXY` names the host."""

from __future__ import annotations

from .. import environment
from ..errors import ConfigurationError
from .urls import urlsplit

__all__ = ["resolved_proxy"]

_SCHEMES = ("http", "https", "socks5", "socks5h")


def resolved_proxy(proxy: str | None, authority: str) -> str | None:
    """Settle the proxy for an authority.

    Args:
        proxy: Its URL; `""`: none; None: the environment's.
        authority: `https://host[:port]`.

    Raises:
        ConfigurationError: It is not a proxy's address.
    """
    if proxy is None:
        proxy = _read("HTTPS_PROXY") or _read("ALL_PROXY")
        if proxy and _exempt(authority):
            return None
    if not isinstance(proxy, str):
        raise ConfigurationError(f"proxy must be a str, not {type(proxy).__name__}.")
    if not proxy:
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        usable = False
    if not usable:
        # Not repeated in the message: it may hold a password.
        raise ConfigurationError("The proxy's address is malformed. Give one like 'http://proxy:8080'.")
    return url


def _read(name: str) -> str:
    return environment.read(name.lower()) or environment.read(name)  # lower case wins, as in curl and requests


def _exempt(authority: str) -> bool:
    parts = urlsplit(authority)
    host, port = parts.hostname or "", parts.port or 443
    # A proxy elsewhere cannot reach this machine's loopback; Go's net/http exempts it likewise.
    if host == "localhost" or host.endswith(".localhost") or _within(host, "127.0.0.0/8") or host == "::1":
        return True
    return any(_matches(entry.strip().lower(), host, port) for entry in _read("NO_PROXY").split(","))


def _matches(entry: str, host: str, port: int) -> bool:
    if not entry:
        return False
    if entry == "*" or _within(host, entry):
        return True
    name, _, entry_port = entry.partition(":")
    if entry_port and entry_port != str(port):
        return False
    name = name.removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _within(host: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
