"""The httpx transport under msal: httpcore's pool on a network that keeps the deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from ..errors import ConfigurationError
from .deadline import Deadline, DeadlineBackend

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

__all__ = ["DeadlineTransport"]

# A discovery, the request that follows it and the polls of a device code (5 s apart) share a connection; an hour's
# silence does not keep one.
_KEEPALIVE = 15.0


class DeadlineTransport(httpx.BaseTransport):
    """Sends a request, and everything about it ends by `deadline`."""

    def __init__(self, context: ssl.SSLContext, proxy: str | None, deadline: Deadline) -> None:
        self._pool = _pool(context, proxy, DeadlineBackend(deadline))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(status_code=answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _pool(context: ssl.SSLContext, proxy: str | None, backend: DeadlineBackend) -> httpcore.ConnectionPool:
    options: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": None,
        "max_keepalive_connections": 2,
        "keepalive_expiry": _KEEPALIVE,
        "network_backend": backend,
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
