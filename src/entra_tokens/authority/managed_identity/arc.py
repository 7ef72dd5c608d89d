"""Servers outside Azure on which Azure Arc's agent runs.

https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ...errors import AuthenticationFailed, CredentialUnavailable
from ...record import Record
from .arc_key import arc_folder, read_key
from .exchange import Limits, Reply, exchange
from .host import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...token import Token
    from .selector import Selector

__all__ = ["Arc"]

_CONNECT = 2.0
_NAMES = {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"}


class _Keys(list[str]):
    """The keys of one acquisition, kept out of whatever shows locals."""

    def __repr__(self) -> str:
        return "<hidden>"


class Arc(Record):
    """The agent's endpoint, `IDENTITY_ENDPOINT`.

    Args:
        endpoint: Its address.
        folder: Where its key files are; None: nowhere on this system. Another than the platform's ("") is for
            tests alone.
    """

    endpoint: str
    folder: str | None

    name = "Azure Arc"
    _hidden = ("folder",)

    def __init__(self, endpoint: str, folder: str | None = "") -> None:
        self._set(endpoint=endpoint, folder=arc_folder(sys.platform) if folder == "" else folder)

    @property
    def key(self) -> tuple[str, ...]:
        """Its address."""
        return ("arc", self.endpoint)

    def check(self, selector: Selector) -> None:
        """The agent selects by each of the three; one that is too old for that is found out by its answer."""

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        folder = self.folder
        if folder is None:
            raise CredentialUnavailable(
                f"{who}: Azure Arc's agent does not run on {sys.platform}.", anchor="managed-identity"
            )
        named = selector.named(self.name, _NAMES)
        query = {"api-version": "2020-06-01", "resource": resource, **named}
        limits, keys = Limits(_CONNECT, timeout), _Keys()

        def send() -> Reply:
            headers = {"Metadata": "true"}
            reply = exchange(self.endpoint, headers, limits, who=who, query=query)
            if reply.status != 401 or "www-authenticate" not in reply.headers:
                return reply
            keys.append(read_key(reply.headers["www-authenticate"], folder, who=who))
            headers["Authorization"] = f"Basic {keys[-1]}"
            return exchange(self.endpoint, headers, limits, who=who, query=query)

        def confirm(answer: Mapping[str, Any]) -> None:
            for name, value in named.items():
                echo = answer.get(name) or (answer.get("mi_res_id") if name == "msi_res_id" else None)
                if not isinstance(echo, str) or echo.lower() != value.lower():
                    raise AuthenticationFailed(
                        f"{who}: the agent did not confirm that its token is of the identity asked for; agents without "
                        "user-assigned identities answer with the system-assigned one. Update the agent.",
                        error="identity_not_confirmed",
                        anchor="managed-identity",
                    )

        return ask(send, scopes, who=who, secrets=keys, confirm=confirm)
