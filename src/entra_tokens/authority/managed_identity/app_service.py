"""App Service, Functions and Container Apps, 2019-08-01.

https://learn.microsoft.com/azure/app-service/overview-managed-identity
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...record import Record
from ..redact import Secrets
from .exchange import Limits
from .host import asked

if TYPE_CHECKING:
    from ...token import Token
    from .selector import Selector

__all__ = ["AppService"]

_CONNECT = 2.0
_NAMES = {"client_id": "client_id", "object_id": "principal_id", "resource_id": "mi_res_id"}


class AppService(Record):
    """The endpoint of `IDENTITY_ENDPOINT`, opened by `IDENTITY_HEADER`.

    Args:
        endpoint: Its address.
        header: The secret that shows the request comes from inside.
    """

    endpoint: str
    header: str

    name = "App Service"
    _hidden = ("header",)

    def __init__(self, endpoint: str, header: str) -> None:
        self._set(endpoint=endpoint, header=header)

    @property
    def key(self) -> tuple[str, ...]:
        """Its address; the platform rotates the header, which says nothing about whose token comes back."""
        return ("app_service", self.endpoint)

    def check(self, selector: Selector) -> None:
        """App Service selects by each of the three."""

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        query = {"api-version": "2019-08-01", "resource": resource, **selector.named(self.name, _NAMES)}
        headers = {"X-IDENTITY-HEADER": self.header}
        limits = Limits(_CONNECT, timeout)
        return asked(self.endpoint, query, headers, scopes, limits, who=who, secrets=Secrets((self.header,)))
