"""ManagedIdentity: the identity that Azure gives the machine or service this runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..authority.guard import guarded
from ..authority.managed_identity.detect import detect
from ..authority.managed_identity.host import IDENTITY_NOT_FOUND, Selector
from ..authority.managed_identity.imds import Imds
from ..authority.options import checked_timeout
from ..errors import AuthenticationFailed, CredentialUnavailable
from .value import Value

if TYPE_CHECKING:
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["ManagedIdentity"]


class ManagedIdentity(Value):
    """Gets tokens for the managed identity of the host.

    The host is settled at construction from the environment, in azure-identity's order: App Service (also Functions
    and Container Apps) where `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` are set, IMDS where nothing names another.
    Never through a proxy. Any number of threads may acquire at once. Pickles: the other side looks at its own host.

    Args:
        client_id: Which user-assigned identity, by client id.
        object_id: The same, by its principal's object id.
        resource_id: The same, by its ARM resource id. None of the three: the system-assigned identity.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: More than one of the three is given, or the environment names an address that is none.
    """

    tenant_id: str | None = None
    tenantless = True  # the platform decides

    def __init__(
        self,
        *,
        client_id: str | None = None,
        object_id: str | None = None,
        resource_id: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._selector = Selector(client_id, object_id, resource_id)
        self._timeout = checked_timeout(timeout)
        self._host = detect()
        self._host.check(self._selector)
        self._identity = ("managed_identity", *self._host.key, str(self._selector))

    @property
    def identity(self) -> tuple[str, ...]:
        """The host's address and which of its identities."""
        return self._identity

    def identity_under(self, key: bytes) -> tuple[str, ...]:  # noqa: ARG002 - there is no secret in it
        """The same and this machine's name: every machine's IMDS has one address, and a home may be on a network."""
        import socket

        return (*self._identity, socket.gethostname())

    @property
    def client_id(self) -> str | None:
        """The client id that was given, if one was."""
        return self._selector.client_id

    @property
    def host(self) -> str:
        """The host's usual name, such as `IMDS`."""
        return self._host.name

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            CredentialUnavailable: This host gives no managed identity.
            AuthenticationFailed: It refused: no such identity is assigned, or no such resource exists.
            AuthorityUnavailable: No usable answer came.
            ConfigurationError: More than one scope is asked for.
        """
        resource = request.resource

        def attempt() -> Token:
            return self._host.token(
                request.scopes, resource, self._selector, timeout=self._timeout, who=f"{self!r} at {self._host.name}"
            )

        try:
            return guarded(attempt, who=repr(self))
        except AuthenticationFailed as error:
            # A machine without any identity is not this environment; one that lacks the identity asked for is broken.
            if error.error != IDENTITY_NOT_FOUND or str(self._selector):
                raise
            missing = error.message
        raise CredentialUnavailable(missing)

    def probe(self) -> None:
        """Find out within a second whether the host is there at all, where no variable says so.

        Raises:
            CredentialUnavailable: It is not.
        """
        host = self._host
        if isinstance(host, Imds):
            guarded(lambda: host.probe(who=repr(self)), who=repr(self))

    def __repr__(self) -> str:
        return f"ManagedIdentity({self._selector})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), vars(self._selector), self._timeout)


def _rebuilt(kind: type[ManagedIdentity], selector: dict[str, str | None], timeout: float) -> ManagedIdentity:
    return kind(**selector, timeout=timeout)
