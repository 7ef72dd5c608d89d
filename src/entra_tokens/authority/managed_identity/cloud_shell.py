"""Azure Cloud Shell, which gives tokens of the person who sits there.

https://learn.microsoft.com/azure/cloud-shell/msi-authorization
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...record import Record
from .exchange import Limits, exchange
from .host import ask

if TYPE_CHECKING:
    from ...token import Token
    from .selector import Selector

__all__ = ["CloudShell"]

_CONNECT = 2.0


class CloudShell(Record):
    """The endpoint of `MSI_ENDPOINT`.

    Args:
        endpoint: Its address.
    """

    endpoint: str

    name = "Azure Cloud Shell"

    def __init__(self, endpoint: str) -> None:
        self._set(endpoint=endpoint)

    @property
    def key(self) -> tuple[str, ...]:
        """Its address."""
        return ("cloud_shell", self.endpoint)

    def check(self, selector: Selector) -> None:
        """There is the person, and nobody else."""
        selector.named(self.name, {})

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        form = {"resource": resource, **selector.named(self.name, {})}
        headers, limits = {"Metadata": "true"}, Limits(_CONNECT, timeout)
        return ask(lambda: exchange(self.endpoint, headers, limits, who=who, form=form), scopes, who=who)
