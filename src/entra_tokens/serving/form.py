"""What a form of the endpoint is: how its clients find it, show that they may ask, and are answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .head import Refused

if TYPE_CHECKING:
    from ..token import Token
    from .head import Head

__all__ = ["SELECTORS", "Asked", "Form", "asked"]

# Names under which clients ask for one of several identities of a machine.
SELECTORS = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")


@dataclass(frozen=True)
class Asked:
    """A request that may have a token.

    Args:
        resource: For what, as the client wrote it.
        identity: The identity that it named; None: whichever there is.
    """

    resource: str
    identity: str | None


class Form(Protocol):
    """One of the protocols that managed-identity clients speak."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def environ(self, base: str) -> dict[str, str]:
        """The variables that lead an unmodified client here; they hold the secret.

        Args:
            base: `http://host:port`.
        """
        ...

    def read(self, head: Head) -> Asked:
        """What is asked for.

        Raises:
            Refused: The secret is missing or wrong, or the request is not one that this host knows.
        """
        ...

    def answer(self, token: Token, asked: Asked, now: float) -> dict[str, str]:
        """The body that holds the token."""
        ...

    def refusal(self, refused: Refused) -> dict[str, object]:
        """The body that says why there is none."""
        ...


def asked(query: dict[str, str]) -> Asked:
    """The resource and the identity in a query.

    Raises:
        Refused: There is no resource, or more than one identity.
    """
    resource = query.get("resource")
    if not resource:
        raise Refused(400, "The query parameter resource is missing.")
    named = [query[name] for name in SELECTORS if query.get(name)]
    if len(named) > 1:
        raise Refused(400, "Only one of client_id, object_id and mi_res_id may be given.")
    return Asked(resource, named[0] if named else None)
