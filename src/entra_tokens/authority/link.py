"""A connection of which every step gets what is left of the whole time: a drip of bytes cannot outlast it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ..engine.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    import ssl

__all__ = ["Link", "connected"]


class Link:
    """A connection, for one thread.

    Args:
        connection: Connected.
        until: When time is over, by the machine's clock.
    """

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._socket = connection
        self._until = until

    def secure(self, context: ssl.SSLContext, server_name: str) -> bytes:
        """Speak TLS from here on, with whom the context trusts under this name; returns the certificate shown (DER)."""
        self._socket.settimeout(self._left())
        # ssl takes the name as bytes, too; truststore and other contexts with a method of their own want text.
        ssls = getattr(context.wrap_socket, "__module__", None) == "ssl"
        secured = context.wrap_socket(self._socket, server_hostname=_plain(server_name) if ssls else server_name)
        self._socket = secured
        return secured.getpeercert(binary_form=True) or b""

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def receive(self, most: int) -> bytes:
        """What has come, at most so many bytes; nothing: the other side has ended."""
        self._socket.settimeout(self._left())
        return self._socket.recv(most)

    def close(self) -> None:
        self._socket.close()

    def _left(self) -> float:
        left = self._until - SYSTEM_CLOCK.boot()
        if left <= 0:
            raise TimeoutError
        return left


def connected(host: str, port: int, *, within: float, total: float) -> Link:
    """Connect to the first of the host's addresses that answers.

    Args:
        host: Its name or address.
        port: Its port.
        within: Seconds to connect in, of which each address gets an even share: one that is silent must not eat up the
            time of the others.
        total: Seconds for everything, from now on.

    Raises:
        OSError: None answers.
    """
    failure: OSError = ConnectionError("the host has no address")
    now = SYSTEM_CLOCK.boot()
    found = socket.getaddrinfo(_plain(host), port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as error:  # this machine has no IPv6, and the name has an address in it
            failure = error
            continue
        try:
            left = now + within - SYSTEM_CLOCK.boot()
            connection.settimeout(max(left / (len(found) - tried), 0.05))
            # Or the request waits for the other side to acknowledge the end of the TLS handshake: 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return Link(connection, now + total)
    raise failure


def _plain(host: str) -> str | bytes:
    """A host's name as bytes, where it can be: given text, Python loads the tables of international names."""
    try:
        return host.encode("ascii")
    except UnicodeEncodeError:
        return host
