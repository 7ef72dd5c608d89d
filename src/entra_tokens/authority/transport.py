"""The transport under msal: httpx's own, httpcore, on a network that keeps the deadline.

Without httpx around it, which loads a command line of its own and all that this wants: a third of a first token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpcore

from ..errors import ConfigurationError
from .deadline import DeadlineBackend

if TYPE_CHECKING:
    import ssl

    from .deadline import Deadline

__all__ = ["connections"]

# A discovery, the request that follows it and the polls of a device code (5 s apart) share a connection; an hour's
# silence does not keep one.
_KEEPALIVE = 15.0


def connections(context: ssl.SSLContext, proxy: str | None, deadline: Deadline) -> httpcore.ConnectionPool:
    """The connections of one session; everything about a request ends by the deadline.

    Args:
        context: Whom to trust.
        proxy: Through which proxy, None: straight.
        deadline: How much time there is.

    Raises:
        ConfigurationError: A package that the proxy needs is not there.
    """
    options: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": None,
        "max_keepalive_connections": 2,
        "keepalive_expiry": _KEEPALIVE,
        "network_backend": DeadlineBackend(deadline),
    }
    if proxy is None:
        return httpcore.ConnectionPool(**options)
    parts = urlsplit(proxy)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
    options["proxy_url"] = f"{parts.scheme}://{host}:{port}"
    if parts.username is not None:
        options["proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme in ("http", "https"):
        # With context the proxy's own certificate is judged as the authority's is.
        return httpcore.HTTPProxy(**options, proxy_ssl_context=context if parts.scheme == "https" else None)
    try:
        return httpcore.SOCKSProxy(**options)
    except (ImportError, RuntimeError):
        pass
    raise ConfigurationError("A SOCKS proxy needs the package socksio: pip install 'httpx[socks]'.")
