"""What a redis-py client shows of itself with the callbacks that it registers.

They are methods of a listener that keeps an event in `_event` (redis-py 5.3 to 8.1). Whoever else registers one shows
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..origin import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["is_subscription", "refuse_wrong_address"]


def is_subscription(callback: Callable[[Any], Any]) -> bool:
    """Whether what would be authenticated again is a connection on which somebody may be listening."""
    return hasattr(_event(callback), "pubsub_connection")


def refuse_wrong_address(callback: Callable[[Any], Any], hosts: frozenset[str] | None) -> None:
    """Refuse the client that a re-authentication callback belongs to if it would send tokens where they must not go.

    Raises:
        ConfigurationError: It connects to another machine without TLS, or to none of the hosts that were named.
    """
    for connection_class, host in _targets(_event(callback)):
        names = {each.__name__ for each in getattr(connection_class, "__mro__", ())}
        if hosts is not None and host.lower() not in hosts and "UnixDomainSocketConnection" not in names:
            raise ConfigurationError(
                f"No token is sent to Redis at {host}: the credentials are for {', '.join(sorted(hosts))}. Name it in "
                "host=, or make others for it."
            )
        if "SSLConnection" in names or "UnixDomainSocketConnection" in names or is_loopback(host):
            continue
        raise ConfigurationError(
            f"No token is sent to Redis at {host} in clear text: use ssl=True or a rediss:// URL (a plain connection "
            "is for localhost only)."
        )


def _event(callback: Callable[[Any], Any]) -> object:
    return getattr(getattr(callback, "__self__", None), "_event", None)


def _targets(event: object) -> Iterator[tuple[object, str]]:
    for pool in getattr(event, "connection_pools", ()):
        yield pool.connection_class, pool.connection_kwargs.get("host", "localhost")
    nodes = getattr(event, "nodes", None)
    for node in nodes.values() if isinstance(nodes, dict) else ():
        yield node.connection_class, node.host
    for single in (getattr(event, "connection", None), getattr(event, "pubsub_connection", None)):
        if single is not None:
            yield type(single), getattr(single, "host", "localhost")
