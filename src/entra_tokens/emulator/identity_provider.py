"""An identity provider that is not Entra: whose tokens federated credentials trust.

It has a key of its own and serves its documents under the authority, at `/idp/{name}`; each name is an issuer. The keys
of other providers can be introduced.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import jwt
from starlette.routing import Route

from .registry import EXCHANGE_AUDIENCE
from .replies import json_reply
from .signing import SigningKey

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .certificates import KeyRing
    from .clock import EmulatorClock
    from .signing import Signer
    from .world import World

__all__ = ["IdentityProvider", "provider_routes"]

_KEYS_READ = 100  # Entra looks at the first 100 keys of an issuer


class IdentityProvider:
    """Signs tokens as an outside provider, and knows the keys of those that were introduced. Any thread may call it."""

    def __init__(self, clock: EmulatorClock, keys: KeyRing, authority: str) -> None:
        self._clock = clock
        self._keys = keys
        self._root = f"{authority}/idp"
        self._lock = threading.Lock()
        self._key: SigningKey | None = None
        self._introduced: dict[str, jwt.PyJWKSet] = {}
        self._signers: dict[str, Signer] = {}

    def issuer(self, name: str = "default") -> str:
        """The issuer of this name."""
        return f"{self._root}/{name}"

    def token(
        self,
        subject: str,
        audience: str = EXCHANGE_AUDIENCE,
        lifetime: float = 600,
        *,
        name: str = "default",
        **claims: Any,
    ) -> str:
        """A signed token; `claims` are put over the usual ones, None takes one out."""
        now = int(self._clock.now())
        usual = {
            "iss": self.issuer(name),
            "sub": subject,
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": int(now + lifetime),
            "jti": str(uuid.uuid4()),
        }
        return self._signing_key().sign({k: v for k, v in {**usual, **claims}.items() if v is not None})

    def introduce(self, issuer: str, key_set: dict[str, Any]) -> None:
        """Make the keys of another provider known; the emulator fetches nothing by itself."""
        with self._lock:
            self._introduced[issuer] = jwt.PyJWKSet.from_dict({"keys": key_set["keys"][:_KEYS_READ]})

    def share(self, issuer: str, signer: Signer) -> None:
        """Let the tokens of this issuer be those that the signer verifies."""
        with self._lock:
            self._signers[issuer] = signer

    def key_for(self, issuer: str, kid: str | None) -> Any | None:
        """The public key; None: the issuer or the key is not known."""
        if issuer.startswith(self._root + "/"):
            key = self._signing_key()
            return key.public if kid == key.kid else None
        if (signer := self._signers.get(issuer)) is not None:
            return signer.public(kid)
        known = self._introduced.get(issuer)
        for each in known.keys if known is not None else []:
            if kid is None or each.key_id == kid:
                return each.key
        return None

    def knows(self, issuer: str) -> bool:
        return issuer.startswith(self._root + "/") or issuer in self._introduced or issuer in self._signers

    def key_set(self, name: str) -> dict[str, Any]:
        return {"keys": [self._signing_key().published(self.issuer(name))]}

    def _signing_key(self) -> SigningKey:
        with self._lock:
            if self._key is None:
                self._key = SigningKey(*self._keys.pair("outside"))
            return self._key


def provider_routes(world: World) -> list[Route]:
    async def document(request: Request) -> Response:
        issuer = world.provider.issuer(request.path_params["name"])
        content = {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return json_reply(request, world, content, public=True)

    async def keys(request: Request) -> Response:
        return json_reply(request, world, world.provider.key_set(request.path_params["name"]), public=True)

    return [
        Route("/idp/{name}/.well-known/openid-configuration", document, methods=["GET"]),
        Route("/idp/{name}/jwks", keys, methods=["GET"]),
    ]
