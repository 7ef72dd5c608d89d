"""Service Fabric: https, with a certificate that is known by its thumbprint.

Not through msal: its session has no limit on time, and it reads the environment at every request.

https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...record import Record
from ..redact import Secrets
from .exchange import Limits, exchange
from .host import ask

if TYPE_CHECKING:
    from ...token import Token
    from .selector import Selector

__all__ = ["ServiceFabric", "checked_thumbprint"]

_CONNECT = 2.0


class ServiceFabric(Record):
    """The endpoint of `IDENTITY_ENDPOINT`, opened by `IDENTITY_HEADER`.

    Args:
        endpoint: Its address, `https://`.
        header: The secret that shows which application asks.
        thumbprint: As `checked_thumbprint` returns it.
    """

    endpoint: str
    header: str
    thumbprint: str

    name = "Service Fabric"
    _hidden = ("header",)

    def __init__(self, endpoint: str, header: str, thumbprint: str) -> None:
        self._set(endpoint=endpoint, header=header, thumbprint=thumbprint)

    @property
    def key(self) -> tuple[str, ...]:
        """Its address and certificate; the header belongs to the application as started, and to no other identity."""
        return ("service_fabric", self.endpoint, self.thumbprint)

    def check(self, selector: Selector) -> None:
        """Which identity it is, the application's manifest says; a request cannot."""
        selector.named(self.name, {})

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        query = {"api-version": "2019-07-01-preview", "resource": resource, **selector.named(self.name, {})}
        headers, limits = {"Secret": self.header}, Limits(_CONNECT, timeout)
        return ask(
            lambda: exchange(self.endpoint, headers, limits, who=who, query=query, thumbprint=self.thumbprint),
            scopes,
            who=who,
            secrets=Secrets((self.header,)),
        )


def checked_thumbprint(thumbprint: str) -> str:
    """Its 40 hex digits in lower case, or a ConfigurationError; blanks and colons may stand between them."""
    found = re.sub(r"[\s:]", "", thumbprint).lower()
    if not re.fullmatch(r"[0-9a-f]{40}", found):
        raise ConfigurationError("IDENTITY_SERVER_THUMBPRINT must hold the SHA-1 of a certificate: 40 hex digits.")
    return found
