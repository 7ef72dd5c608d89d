"""ManagedIdentity: the identity that Azure gives the machine or service this runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..authority.guard import guarded
from ..authority.managed_identity.detect import Unsupported, detect, names_workload_identity
from ..authority.managed_identity.selector import Selector
from ..authority.options import checked_timeout
from ..errors import AuthenticationFailed, ConfigurationError, CredentialUnavailable
from ..request import TokenRequest
from .value import Value

if TYPE_CHECKING:
    from ..authority.managed_identity.host import Host
    from ..token import Token
    from .workload_identity import WorkloadIdentity

__all__ = ["ManagedIdentity"]


class ManagedIdentity(Value):
    """Gets tokens for the managed identity of the host.

    The host is settled at construction from the environment, in azure-identity's order: Service Fabric, App Service
    (also Functions and Container Apps), Azure Arc, Azure Machine Learning (or an older App Service), Cloud Shell, AKS
    workload identity; IMDS where nothing names another. Never through a proxy, AKS excepted, where the authority itself
    is asked. Any number of threads may acquire at once. Pickles: the other side looks at its own host.

    Args:
        client_id: Which user-assigned identity, by client id.
        object_id: The same, by its principal's object id.
        resource_id: The same, by its ARM resource id. None of the three: the system-assigned identity.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: More than one of the three is given, or one that this host cannot select by; or the
            environment names an address that is none.
    """

    tenant_id: str | None = None
    tenantless = True  # the platform decides
    _passed_over = False  # whether a host that cannot select so is left to the next of a chain, and is no mistake

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
        self._workload: WorkloadIdentity | None = None
        if names_workload_identity():
            self._workload = _workload(self._selector, self._timeout)
            self._identity = self._workload.identity
            return
        self._host: Host = detect()
        try:
            self._host.check(self._selector)
        except ConfigurationError as error:
            if not self._passed_over:
                raise
            self._host = Unsupported(self._host.name, error.message)
        self._identity = ("managed_identity", *self._host.key, str(self._selector))

    @property
    def identity(self) -> tuple[str, ...]:
        """The host's address and which of its identities."""
        return self._identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """The same and this machine's name: every machine's IMDS has one address, and a home may be on a network."""
        import socket

        if self._workload is not None:
            return self._workload.identity_under(key)
        return (*self._identity, socket.gethostname())

    @property
    def client_id(self) -> str | None:
        """The client id that was given, if one was."""
        return self._selector.client_id if self._workload is None else self._workload.client_id

    @property
    def host(self) -> str:
        """The host's usual name, such as `IMDS`."""
        return self._host.name if self._workload is None else _AKS

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            CredentialUnavailable: This host gives no managed identity.
            AuthenticationFailed: It refused: no such identity is assigned, or no such resource exists.
            AuthorityUnavailable: No usable answer came.
            ConfigurationError: More than one scope is asked for.
        """
        resource = request.resource
        if self._workload is not None:
            return self._workload.acquire(TokenRequest(request.scopes, None, request.claims, request.enable_cae))

        def attempt() -> Token:
            return self._host.token(
                request.scopes, resource, self._selector, timeout=self._timeout, who=f"{self!r} at {self._host.name}"
            )

        try:
            return guarded(attempt, who=repr(self))
        except AuthenticationFailed as error:
            from ..authority.managed_identity.host import IDENTITY_NOT_FOUND

            # A machine without any identity is not this environment; one that lacks the identity asked for is broken.
            if error.error != IDENTITY_NOT_FOUND or str(self._selector):
                raise
            missing = error.message
        raise CredentialUnavailable(missing, anchor="managed-identity")

    def probe(self) -> None:
        """Find out within a second whether the host is there at all, where no variable says so.

        Raises:
            CredentialUnavailable: It is not.
        """
        if self._workload is not None:
            return
        from ..authority.managed_identity.imds import Imds

        host = self._host
        if isinstance(host, Imds):
            guarded(lambda: host.probe(who=repr(self)), who=repr(self))

    def __repr__(self) -> str:
        return f"ManagedIdentity({self._selector})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), vars(self._selector), self._timeout)


_AKS = "AKS workload identity"


def _workload(selector: Selector, timeout: float) -> WorkloadIdentity:
    from .workload_identity import WorkloadIdentity

    named = selector.named(_AKS, {"client_id": "client_id"})
    return WorkloadIdentity(client_id=named.get("client_id"), timeout=timeout)


def _rebuilt(kind: type[ManagedIdentity], selector: dict[str, str | None], timeout: float) -> ManagedIdentity:
    return kind(**selector, timeout=timeout)
