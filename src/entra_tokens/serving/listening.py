"""Where the endpoint listens, and what its clients may call it."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .guard import Hosts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Listening", "listen"]

_BACKLOG = 1024  # the system has its own limit, often 4096 on Linux and 128 elsewhere
_NAME = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Listening:
    """A socket that listens.

    Args:
        socket: Non-blocking; whoever asked for it closes it.
        base: `http://host:port` for clients.
        hosts: What they may write into `Host`.
        loopback: Whether only this machine can reach it.
    """

    socket: socket.socket
    base: str
    hosts: Hosts
    loopback: bool


def listen(bind: str = "127.0.0.1", port: int = 0, allow_hosts: Sequence[str] = ()) -> Listening:
    """Open the socket.

    Args:
        bind: An address of this machine.
        port: 0: any that is free.
        allow_hosts: Names, with a port or without, by which clients elsewhere (in a container) reach this address; the
            first of them is what they are told.

    Raises:
        ConfigurationError: The address is none, is taken, or could be reached under names that nobody has given.
    """
    address = _address(bind)
    for name in allow_hosts:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"--allow-host takes a host's name, with a port or without, not {name!r}.")
    if address.is_unspecified and not allow_hosts:
        raise ConfigurationError(
            f"{bind} is every address of this machine: say with --allow-host NAME what clients call it, for example "
            "--allow-host host.docker.internal."
        )
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"Cannot listen on port {port}: there is none of that number.")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        opened = socket.create_server((str(address), port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigurationError(f"Cannot listen on {bind} port {port}: {why}.") from None
    opened.setblocking(False)
    port = opened.getsockname()[1]
    own = f"[{address}]" if address.version == 6 else str(address)
    names = {own} if not address.is_unspecified else set()
    names |= {"127.0.0.1", "localhost", "[::1]"}
    exact = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
    told = allow_hosts[0] if allow_hosts else own
    return Listening(
        opened,
        f"http://{told}" if _has_port(told) else f"http://{told}:{port}",
        Hosts(
            _as_bytes(exact | {name for name in allow_hosts if _has_port(name)}),
            _as_bytes({name for name in allow_hosts if not _has_port(name)}),
        ),
        address.is_loopback,
    )


def _address(bind: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address("127.0.0.1" if bind == "localhost" else bind.strip("[]"))
    except ValueError:
        raise ConfigurationError(f"--bind takes an IP address of this machine, not {bind!r}.") from None


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


def _as_bytes(names: set[str]) -> frozenset[bytes]:
    return frozenset(name.lower().encode() for name in names)
