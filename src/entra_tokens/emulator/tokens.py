"""Makes tokens: their claims, their lives, and the replies that carry them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import EmulatorClock
    from .directory import Directory, Identity
    from .signing import Signer

__all__ = ["IssuedToken", "TokenIssuer"]

_GUID = re.compile(r"(?:api://)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?", re.IGNORECASE)


@dataclass(frozen=True)
class IssuedToken:
    """A signed token and when it ends. `expires_in` is a whole number that never promises more than `expires_on`."""

    value: str
    issued_at: float
    expires_on: float
    expires_in: int

    def __repr__(self) -> str:
        return f"IssuedToken(expires_on={self.expires_on})"


class TokenIssuer:
    """Issues v2 access tokens and ID tokens. Any thread may call anything.

    Args:
        lifetime: Seconds that an access token lives.
        refresh_in: Seconds that the replies name for renewal; None: they name none.
        issuer: `{authority}/{tenant}/v2.0`, so that a token says that it comes from here and from nowhere else.
    """

    def __init__(
        self,
        clock: EmulatorClock,
        signer: Signer,
        directory: Directory,
        *,
        lifetime: float,
        refresh_in: float | None,
        issuer: str,
    ) -> None:
        self.clock = clock
        self.signer = signer
        self.directory = directory
        self.lifetime = lifetime
        self.refresh_in = refresh_in
        self.issuer = issuer

    def for_application(self, resource: str, *, expired: bool = False) -> IssuedToken:
        """An app-only token for the registered application."""
        me = self.directory
        claims = {"azp": me.client_id, "azpacr": "1", "oid": me.application_object_id, "sub": me.application_object_id}
        return self._access_token(resource, claims, expired=expired)

    def for_identity(self, resource: str, identity: Identity, *, expired: bool = False) -> IssuedToken:
        """A managed identity's token."""
        claims = {
            "azp": identity.client_id,
            "azpacr": "2",
            "idtyp": "app",
            "oid": identity.object_id,
            "sub": identity.object_id,
        }
        if identity.resource_id:
            claims["xms_mirid"] = identity.resource_id
        return self._access_token(resource, claims, expired=expired)

    def for_user(self, resource: str, scopes: str, *, expired: bool = False) -> IssuedToken:
        """A token of the user's, for the registered application."""
        user = self.directory.user
        claims = {
            "azp": self.directory.client_id,
            "azpacr": "0",
            "name": user.name,
            "oid": user.object_id,
            "preferred_username": user.username,
            "scp": scopes,
            "sub": self._pairwise(self.directory.client_id),
        }
        return self._access_token(resource, claims, expired=expired)

    def id_token(self) -> str:
        now = int(self.clock.now())
        user = self.directory.user
        return self.signer.sign(
            {
                "aud": self.directory.client_id,
                "iss": self.issuer,
                "iat": now,
                "nbf": now,
                "exp": now + 3600,
                "name": user.name,
                "oid": user.object_id,
                "preferred_username": user.username,
                "sub": self._pairwise(self.directory.client_id),
                "tid": self.directory.tenant_id,
                "uti": secrets.token_urlsafe(16),
                "ver": "2.0",
            }
        )

    def client_info(self) -> str:
        """What msal builds its account's id from."""
        info = {"uid": self.directory.user.object_id, "utid": self.directory.tenant_id}
        return base64.urlsafe_b64encode(json.dumps(info).encode()).rstrip(b"=").decode()

    def reply(self, token: IssuedToken) -> dict[str, Any]:
        """A v2 token reply: numbers are integers (managed-identity hosts write strings)."""
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": token.expires_in,
            "ext_expires_in": token.expires_in,
            "access_token": token.value,
        }
        if self.refresh_in is not None:
            body["refresh_in"] = int(self.refresh_in)
        return body

    def audience(self, resource: str) -> str:
        """A v2 token's audience is the API's id; what has no id here stands for itself."""
        match = _GUID.fullmatch(resource)
        return match[1].lower() if match else resource

    def _access_token(self, resource: str, claims: dict[str, Any], *, expired: bool) -> IssuedToken:
        now = self.clock.now()
        if expired:
            issued, expires, expires_in = now - self.lifetime - 60, now - 60, 0
        elif self.lifetime >= 60:
            issued, expires = now, float(math.floor(now + self.lifetime))
            expires_in = int(expires - now)
        else:
            # Entra's times are whole seconds; of a short life a second is too large a part.
            issued, expires, expires_in = now, now + self.lifetime, int(self.lifetime)
        everything = {
            "aud": self.audience(resource),
            "iss": self.issuer,
            "iat": int(issued),
            "nbf": int(issued),
            "exp": int(expires) if expires.is_integer() else expires,
            "aio": secrets.token_urlsafe(24),
            "rh": "1." + secrets.token_urlsafe(16),
            "tid": self.directory.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "jti": str(uuid.uuid4()),
            "ver": "2.0",
            **claims,
        }
        return IssuedToken(self.signer.sign(everything), issued, expires, expires_in)

    def _pairwise(self, client_id: str) -> str:
        pair = f"{client_id}/{self.directory.user.object_id}".encode()
        return base64.urlsafe_b64encode(hashlib.sha256(pair).digest()).rstrip(b"=").decode()
