"""ClientSecret: an application that knows a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ..authority.claims import checked_claims
from ..authority.guard import guarded
from ..authority.msal_app import MsalApps
from ..authority.options import AuthorityOptions
from ..authority.redact import Secrets
from ..errors import ConfigurationError
from ..request import checked_client_id, checked_tenant_id
from .fingerprint import fingerprint, object_key, trust, trust_under
from .value import Value, refuse_pickling

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["ClientSecret"]

_USERS_TENANTS = frozenset({"common", "organizations", "consumers"})


class ClientSecret(Value):
    """Signs an application in with its client secret (OAuth 2.0 client credentials).

    Any number of threads may acquire at once. Does not pickle: it holds a secret.

    Args:
        tenant_id: The tenant's id or one of its domains.
        client_id: The application's (client) id.
        client_secret: The secret's value, or a callable that returns it; a callable is asked at every acquisition, so
            that a rotated secret is taken up.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is sent at construction.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        client_secret: str | Callable[[], str],
        *,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.tenant_id: str = checked_tenant_id(tenant_id)
        if tenant_id.lower() in _USERS_TENANTS:
            raise ConfigurationError(
                f"An application signs in to a tenant of its own, not to {tenant_id!r}: give the tenant's id."
            )
        self.client_id: str = checked_client_id(client_id)
        if not callable(client_secret):
            _checked(client_secret)
        self._secret = client_secret
        self._options = AuthorityOptions.settled(authority, verify, proxy, timeout)
        key = object_key(client_secret) if callable(client_secret) else fingerprint(client_secret)
        self._identity = (*self._application, key, *trust(self._options))
        self._apps = MsalApps(
            self._options, client_id=client_id, tenant_id=tenant_id, confidential=True, who=repr(self)
        )

    @property
    def identity(self) -> tuple[str, ...]:
        """Authority, tenant, application, a digest of the secret, and who was trusted on the way."""
        return self._identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """The same with a digest of the secret, as it is at this moment, that is keyed with a store's key.

        Raises:
            ConfigurationError: The callable gave no secret.
        """
        trusted = trust_under(key, self._options)
        if trusted is None:
            return None
        secret = guarded(self._current_secret, who=repr(self))
        return (*self._application, fingerprint(secret, key), *trusted)

    @property
    def _application(self) -> tuple[str, ...]:
        return "client_secret", self._options.authority, self.tenant_id.lower(), self.client_id

    @property
    def authority(self) -> str:
        """`https://host[:port]` of the token service."""
        return self._options.authority

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            InvalidCredential: The secret is wrong or has run out, or the application is unknown.
            AuthenticationFailed: The authority refused for another reason.
            AuthorityUnavailable: No usable answer came.
            ConfigurationError: The callable gave no secret, or the claims are no JSON.
        """
        claims = checked_claims(request.claims)
        return guarded(lambda: self._acquire(request, claims), who=repr(self))

    def _acquire(self, request: TokenRequest, claims: str | None) -> Token:
        secret = self._current_secret()
        return self._apps.token(
            request,
            lambda app: app.acquire_token_for_client(list(request.scopes), claims_challenge=claims),
            credential=secret,
            secrets=Secrets((secret,)),
        )

    def _current_secret(self) -> str:
        if not callable(self._secret):
            return self._secret
        try:
            secret = self._secret()
        except Exception as error:
            name = type(error).__name__
        else:
            return _checked(secret)
        raise ConfigurationError(f"{self!r}: the callable given as client_secret raised {name}.")

    def __repr__(self) -> str:
        return f"ClientSecret(tenant_id={self.tenant_id!r}, client_id={self.client_id!r})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise refuse_pickling("ClientSecret")


def _checked(secret: object) -> str:
    if not isinstance(secret, str) or not secret.strip():
        raise ConfigurationError(
            "client_secret is empty or not a str. Give the secret's value (not its id); an unset environment variable "
            "is the usual cause."
        )
    if secret != secret.strip():
        raise ConfigurationError("client_secret begins or ends with white space; a line end read from a file, perhaps.")
    return secret
