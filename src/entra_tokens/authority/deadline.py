"""A time limit for a whole request: no drip of bytes, however slow, outlasts it.

httpx's limits hold for one read each; an authority that sends a byte now and then keeps a request open for ever.
So every connect, read and write below it gets what is left of the request's own time.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import httpcore

from ..engine.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

__all__ = ["Deadline", "DeadlineBackend"]


class Deadline:
    """How much time this thread's request has left. Networks keep the machine's time, whatever a test's clock says."""

    def __init__(self) -> None:
        self._local = threading.local()

    def start(self, seconds: float) -> None:
        self._local.until = SYSTEM_CLOCK.boot() + seconds

    def left(self, limit: float | None = None) -> float:
        """Seconds left; at most `limit`.

        Raises:
            httpcore.ReadTimeout: None are.
        """
        seconds: float = self._local.until - SYSTEM_CLOCK.boot()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the request's time is over")
        return seconds if limit is None else min(seconds, limit)


class DeadlineBackend(httpcore.NetworkBackend):
    """httpcore's own network, each step held to the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        # One silent address of several must not eat the time of the others: each gets an even share of what is left.
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        failure: Exception = httpcore.ConnectError("the host has no address")
        for tried, address in enumerate(addresses):
            share = self._deadline.left(timeout) / (len(addresses) - tried)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
