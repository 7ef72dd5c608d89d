"""Who may ask at all, before any secret is looked at: programs on this machine, directly.

A web page can make its reader's browser send requests to loopback (cross-site requests, images, DNS rebinding: a name
of the attacker's that resolves to 127.0.0.1). It cannot take out what a browser adds: `Origin`, `Referer`,
`Sec-Fetch-Site`, and its own site's name in `Host`. A proxy in between has read the secret, and says `Via` or
`X-Forwarded-For`; managed-identity hosts refuse that one, too
(https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .head import Refused

if TYPE_CHECKING:
    from .head import Head

__all__ = ["Hosts", "guard"]

# Not Sec-Fetch-Mode: node's own fetch sends it.
_BROWSER = (b"origin", b"referer", b"sec-fetch-site", b"sec-fetch-dest", b"sec-fetch-user")
_PROXY = (b"forwarded", b"via", b"x-real-ip")
_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


class Hosts(NamedTuple):
    """What clients may call this endpoint in `Host`.

    Args:
        exact: `name:port`.
        names: With whatever port: containers see ports of their own.
    """

    exact: frozenset[bytes]
    names: frozenset[bytes] = frozenset()

    def hold(self, host: bytes) -> bool:
        """Whether this one is among them."""
        host = host.lower()
        parts = _HOST.fullmatch(host)
        return parts is not None and (host in self.exact or parts[1] in self.names)


def guard(head: Head, hosts: Hosts) -> None:
    """Let a direct request of a program on this machine pass.

    Raises:
        Refused: It is something else.
    """
    host = head.values(b"host")
    if len(host) != 1 or not hosts.hold(host[0]):
        raise Refused(
            403,
            "The Host header names another server. Use the address exactly as it was given out, or start the endpoint "
            "with --allow-host NAME.",
            noted="its Host header names another server (a page that rebinds DNS, or a name that needs --allow-host)",
        )
    names = {name for name, _ in head.headers}
    if names.intersection(_BROWSER):
        raise Refused(403, "Web pages get no tokens here.", noted="it came from a web page in a browser")
    if names.intersection(_PROXY) or any(name.startswith(b"x-forwarded-") for name in names):
        raise Refused(
            403,
            "The request came through a proxy, which has seen its secret. Set NO_PROXY to this host, and start the "
            "endpoint anew.",
            noted="it came through a proxy; set NO_PROXY for this address where the client runs, and start anew",
        )
    if head.method != b"GET":
        raise Refused(405, "Only GET is answered here.")
    if head.has_body:
        raise Refused(400, "A request for a token has no body.")
