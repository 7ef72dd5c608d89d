"""Makes tokens: their claims, their lives, and the replies that carry them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .asked_claims import NOTHING, AskedClaims
from .issued_tokens import IssuedTokens
from .registry import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import EmulatorClock
    from .directory import Directory, Identity, User
    from .registry import Application, Registry
    from .signing import Signer

__all__ = ["IssuedToken", "TokenIssuer"]


@dataclass(frozen=True)
class IssuedToken:
    """A signed token and when it ends. `expires_in` is a whole number that never promises more than `expires_on`."""

    value: str
    issued_at: float
    expires_on: float
    expires_in: int
    refresh_in: int | None = None

    def __repr__(self) -> str:
        return f"IssuedToken(expires_on={self.expires_on})"


class TokenIssuer:
    """Issues access tokens, v1 or v2 as the resource wants them, and ID tokens. Any thread may call anything.

    Every issuer lies under `authority`, so that a token says that it comes from here and from nowhere else.

    Args:
        lifetime: Seconds that an access token lives.
        refresh_in: Seconds that the replies name for renewal; None: those of long-lived tokens alone do.
    """

    def __init__(
        self,
        clock: EmulatorClock,
        signer: Signer,
        directory: Directory,
        registry: Registry,
        *,
        lifetime: float,
        refresh_in: float | None,
        authority: str,
    ) -> None:
        self.clock = clock
        self.signer = signer
        self.directory = directory
        self.registry = registry
        self.lifetime = lifetime
        self.cae_lifetime: float = 86_400.0  # the service's are 20 to 28 hours
        self.refresh_in = refresh_in
        self.authority = authority
        self.issued: IssuedTokens = IssuedTokens()
        self.issuer: str = self.issuer_of(directory.tenant_id)

    def issuer_of(self, tenant_id: str, version: int = 2) -> str:
        """The issuer of v2 tokens, `{authority}/{tenant}/v2.0`, or of v1 tokens: the real one is another host's, with
        a slash at its end."""
        return f"{self.authority}/{tenant_id}/{'v2.0' if version == 2 else ''}"

    def for_application(
        self,
        resource: str,
        application: Application | None = None,
        *,
        tenant_id: str | None = None,
        credential: str = "1",
        asked: AskedClaims = NOTHING,
        expired: bool = False,
        sign: Callable[[dict[str, Any]], str] | None = None,
    ) -> IssuedToken:
        """An app-only token, for the first application if none is named.

        Args:
            credential: How it proved itself: `1` a secret, `2` an assertion.
            sign: Makes the token out of its claims; None: the signer.
        """
        api = self._resource(resource)
        application = application or self.registry.application
        claims: dict[str, Any] = {
            **_client(api, application.client_id, credential),
            "oid": application.object_id,
            "sub": application.object_id,
        }
        if api.version == 1:
            claims["idp"] = self.issuer_of(tenant_id or self.directory.tenant_id, 1)
        if "idtyp" in api.optional_claims:
            claims["idtyp"] = "app"
        if api.roles:
            claims["roles"] = list(api.roles)
        return self._access_token(api, resource, claims, tenant_id, asked, expired=expired, sign=sign)

    def for_identity(self, resource: str, identity: Identity, *, expired: bool = False) -> IssuedToken:
        """A managed identity's token."""
        api = self._resource(resource)
        claims: dict[str, Any] = {
            **_client(api, identity.client_id, "2"),
            "idtyp": "app",
            "oid": identity.object_id,
            "sub": identity.object_id,
        }
        if api.version == 1:
            claims["idp"] = self.issuer_of(self.directory.tenant_id, 1)
        if identity.resource_id:
            claims["xms_mirid"] = identity.resource_id
        return self._access_token(api, resource, claims, None, NOTHING, expired=expired)

    def for_user(
        self,
        resource: str,
        scopes: str,
        *,
        user: User | None = None,
        application: Application | None = None,
        tenant_id: str | None = None,
        credential: str = "0",
        asked: AskedClaims = NOTHING,
        expired: bool = False,
    ) -> IssuedToken:
        """A token of a person's, for an application; the first ones if none are named.

        Args:
            credential: How the application proved itself: `0` not at all, `1` a secret, `2` an assertion.
        """
        api = self._resource(resource)
        user, application = user or self.directory.user, application or self.registry.application
        claims: dict[str, Any] = {
            **_client(api, application.client_id, credential),
            "name": user.name,
            "oid": user.object_id,
            "scp": scopes,
            "sub": _pairwise(application.client_id, user),
        }
        if api.version == 1:
            claims.update(acr="1", amr=["pwd"], ipaddr="127.0.0.1", unique_name=user.username, upn=user.username)
        else:
            claims["preferred_username"] = user.username
        if "idtyp" in api.optional_claims:
            claims["idtyp"] = "user"
        return self._access_token(api, resource, claims, tenant_id, asked, expired=expired)

    def id_token(
        self,
        user: User | None = None,
        application: Application | None = None,
        tenant_id: str | None = None,
        *,
        nonce: str | None = None,
        version: int = 2,
    ) -> str:
        """An ID token in the form of the endpoint asked."""
        now = int(self.clock.now())
        user, application = user or self.directory.user, application or self.registry.application
        tenant_id = tenant_id or self.directory.tenant_id
        claims = {
            "aud": application.client_id,
            "iss": self.issuer_of(tenant_id, version),
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "name": user.name,
            "oid": user.object_id,
            "sub": _pairwise(application.client_id, user),
            "tid": tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": f"{version}.0",
        }
        if version == 1:
            claims.update(amr=["pwd"], unique_name=user.username, upn=user.username)
        else:
            claims["preferred_username"] = user.username
        if nonce is not None:
            claims["nonce"] = nonce
        return self.signer.sign(claims)

    def client_info(self, user: User | None = None) -> str:
        """What msal builds its account's id from."""
        info = {"uid": (user or self.directory.user).object_id, "utid": self.directory.tenant_id}
        return base64.urlsafe_b64encode(json.dumps(info).encode()).rstrip(b"=").decode()

    def reply(self, token: IssuedToken) -> dict[str, Any]:
        """A v2 token reply: numbers are integers (v1 and the managed-identity hosts write strings)."""
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": token.expires_in,
            "ext_expires_in": token.expires_in,
            "access_token": token.value,
        }
        refresh_in = token.refresh_in if self.refresh_in is None else int(self.refresh_in)
        if refresh_in is not None:
            body["refresh_in"] = refresh_in
        return body

    def _resource(self, name: str) -> Resource:
        """The API; what cannot be one is taken as it is (the token endpoint asks the registry first)."""
        return self.registry.resource(name) or Resource(name, name)

    def _access_token(
        self,
        api: Resource,
        resource: str,
        claims: dict[str, Any],
        tenant_id: str | None,
        asked: AskedClaims,
        *,
        expired: bool,
        sign: Callable[[dict[str, Any]], str] | None = None,
    ) -> IssuedToken:
        now, refresh_in = self.clock.now(), None
        lifetime = self.lifetime
        if api.cae and asked.handles_challenges:
            lifetime = self.cae_lifetime
            refresh_in = int(lifetime / 2)
        if expired:
            issued, expires, expires_in = now - lifetime - 60, now - 60, 0
        elif lifetime >= 60:
            issued, expires = now, float(math.floor(now + lifetime))
            expires_in = int(expires - now)
        else:
            # Entra's times are whole seconds; of a short life a second is too large a part.
            issued, expires, expires_in = now, now + lifetime, int(lifetime)
        tenant_id = tenant_id or self.directory.tenant_id
        everything = {
            # A v2 token's audience is always the API's id; a v1 token has what was asked for.
            "aud": resource if api.version == 1 else api.app_id,
            "iss": self.issuer_of(tenant_id, api.version),
            "iat": int(issued),
            "nbf": int(issued),
            "exp": int(expires) if expires.is_integer() else expires,
            "aio": secrets.token_urlsafe(24),
            "rh": "1." + secrets.token_urlsafe(16),
            "tid": tenant_id,
            "uti": secrets.token_urlsafe(16),
            "jti": str(uuid.uuid4()),
            "ver": f"{api.version}.0",
            **claims,
        }
        if asked.acrs:
            everything["acrs"] = list(asked.acrs)
        if asked.capabilities and (api.cae or "xms_cc" in api.optional_claims):
            everything["xms_cc"] = list(asked.capabilities)
        self.issued.add(everything, issued, expires)
        return IssuedToken((sign or self.signer.sign)(everything), issued, expires, expires_in, refresh_in)


def _client(api: Resource, client_id: str, credential: str) -> dict[str, str]:
    if api.version == 1:
        return {"appid": client_id, "appidacr": credential}
    return {"azp": client_id, "azpacr": credential}


def _pairwise(client_id: str, user: User) -> str:
    pair = f"{client_id}/{user.object_id}".encode()
    return base64.urlsafe_b64encode(hashlib.sha256(pair).digest()).rstrip(b"=").decode()
