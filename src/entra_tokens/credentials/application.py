"""What credentials of an application have in common: a tenant, a client id, a proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..authority.claims import checked_claims
from ..authority.guard import guarded
from ..authority.options import AuthorityOptions
from ..errors import ConfigurationError
from ..request import checked_client_id, checked_tenant_id
from .fingerprint import trust, trust_under
from .value import Value, rebuilt, refuse_pickling

if TYPE_CHECKING:
    from ..authority.token_proxy import TokenProxy
    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token
    from .proof import Named

__all__ = ["Application", "checked_application_tenant", "token_endpoint"]

P = TypeVar("P", bound="Named")

_USERS_TENANTS = frozenset({"common", "organizations", "consumers"})


class Application(Value, Generic[P]):
    """An application that signs in as itself (OAuth 2.0 client credentials).

    Args:
        kind: What its identity begins with.
        tenant_id: Its tenant.
        client_id: The application's id.
        proof: How it proves who it is.
        authority: As for the credentials.
        verify: As for the credentials.
        proxy: As for the credentials.
        timeout: Seconds for a whole request.
        token_proxy: Who is asked in the authority's place.
    """

    def __init__(
        self,
        kind: str,
        tenant_id: str,
        client_id: str,
        proof: P,
        *,
        authority: str | None,
        verify: Verify,
        proxy: str | None,
        timeout: float,
        token_proxy: TokenProxy | None = None,
    ) -> None:
        self.tenant_id: str = checked_application_tenant(tenant_id)
        self.client_id: str = checked_client_id(client_id)
        self._proof: P = proof
        self._options = AuthorityOptions.settled(authority, verify, proxy, timeout, token_proxy)
        self._kind = kind
        self._identity = (*self._application, *(proof.name() or ()), *trust(self._options))

    @property
    def identity(self) -> tuple[str, ...]:
        """Authority, tenant, application, a name for its proof, and who was trusted on the way."""
        return self._identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """The same with digests that are keyed with a store's key; None: no other process can mean the same."""
        proof, trusted = self._proof.name(key), trust_under(key, self._options)
        if proof is None or trusted is None:
            return None
        return (*self._application, *proof, *trusted)

    @property
    def _application(self) -> tuple[str, ...]:
        return self._kind, self._options.authority, self.tenant_id.lower(), self.client_id

    @property
    def authority(self) -> str:
        """`https://host[:port]` of the token service."""
        return self._options.authority

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            InvalidCredential: The authority does not take the proof, or does not know the application.
            AuthenticationFailed: It refused for another reason.
            AuthorityUnavailable: No usable answer came.
            ConfigurationError: There is no proof to show, or the claims are no JSON.
        """
        checked_claims(request.claims)
        return guarded(lambda: self._acquire(request), who=repr(self))

    def _acquire(self, request: TokenRequest) -> Token:
        """Show the proof and return the token."""
        raise NotImplementedError

    def _endpoint(self, request: TokenRequest) -> str:
        return token_endpoint(self._options, request.tenant_id or self.tenant_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tenant_id={self.tenant_id!r}, client_id={self.client_id!r})"

    def _arguments(self) -> tuple[Any, ...]:
        """What `__init__` takes by position, where it pickles."""
        raise NotImplementedError

    def _keywords(self) -> dict[str, Any]:
        """What `__init__` takes by keyword."""
        return self._options.keywords()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        if not self._proof.pickles:
            raise refuse_pickling(type(self).__name__)
        return rebuilt, (type(self), self._arguments(), self._keywords())


def token_endpoint(options: AuthorityOptions, tenant_id: str) -> str:
    """The audience of an assertion that the application signs itself.

    https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    """
    return f"{options.authority}/{tenant_id}/oauth2/v2.0/token"


def checked_application_tenant(tenant_id: str) -> str:
    """Return the tenant, or raise ConfigurationError: tenants for users of any kind have no applications."""
    if checked_tenant_id(tenant_id).lower() in _USERS_TENANTS:
        raise ConfigurationError(
            f"An application signs in to a tenant of its own, not to {tenant_id!r}: give the tenant's id."
        )
    return tenant_id
