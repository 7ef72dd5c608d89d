"""The Instance Metadata Service of virtual machines and scale sets.

https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import environment
from ...errors import CredentialUnavailable
from ...record import Record
from .exchange import Limits, Reply, exchange
from .host import ask

if TYPE_CHECKING:
    from ...token import Token
    from .selector import Selector

__all__ = ["Imds"]

_BASE = "http://169.254.169.254"
_PATH = "/metadata/identity/oauth2/token"
# IMDS is link-local: it answers a connect within milliseconds or it is not there.
_CONNECT = 1.5
_PROBE = 1.0
# Microsoft's rules: 404, 429 and 5xx are tried again after 0, 2, 6 and 14 s (the fifth pause of 30 s is longer than
# callers wait), 410 for at least 70 s, which an update takes.
# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance
_PAUSES = (0.5, 2.0, 6.0, 14.0)
_UPDATE = (*_PAUSES, 24.0, 24.0)
_NAMES = {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"}


class Imds(Record):
    """IMDS, at `AZURE_POD_IDENTITY_AUTHORITY_HOST` if that is set.

    Args:
        base: `http://host[:port]`, with a path before IMDS's own or without.
    """

    base: str

    name = "IMDS"

    def __init__(self, base: str) -> None:
        self._set(base=base)

    @classmethod
    def from_environment(cls) -> Imds:
        """IMDS, which is what remains when no variable names another host."""
        return cls(environment.read("AZURE_POD_IDENTITY_AUTHORITY_HOST", _BASE).rstrip("/ "))

    @property
    def key(self) -> tuple[str, ...]:
        """Its address."""
        return ("imds", self.base)

    def check(self, selector: Selector) -> None:
        """IMDS selects by each of the three."""

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        query = {"api-version": "2018-02-01", "resource": resource, **selector.named(self.name, _NAMES)}
        limits = Limits(_CONNECT, timeout)

        def send() -> Reply:
            from .gate import PATIENCE, passing  # which no other host needs

            with passing(self.base, max(timeout, PATIENCE)):
                return exchange(self.base + _PATH, {"Metadata": "true"}, limits, who=who, query=query)

        return ask(send, scopes, who=who, sure=self.base != _BASE, pauses=_pauses)

    def probe(self, *, who: str) -> None:
        """Find out within a second whether IMDS is there: without the header that it demands, it refuses at once.

        Raises:
            CredentialUnavailable: Nobody answered.
        """
        from ...errors import AuthorityUnavailable
        from .gate import passing

        try:
            with passing(self.base, _PROBE / 4) as waited:
                left = max(_PROBE - waited, _PROBE / 2)
                reply = exchange(self.base + _PATH, {}, Limits(left, left), who=who)
        except AuthorityUnavailable as error:
            why = error.message
        else:
            if not (reply.status == 403 and b"unreachable" in reply.body):
                return
            why = f"{who}: the network says that the host is unreachable"
        raise CredentialUnavailable(
            f"{why} This is not an Azure virtual machine; elsewhere use another credential, such as AzureCli.",
            anchor="managed-identity",
        )


def _pauses(status: int) -> tuple[float, ...]:
    if status == 410:
        return _UPDATE
    return _PAUSES if status in (404, 429) or status >= 500 else ()
