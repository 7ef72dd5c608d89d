"""RS256 signatures, the key set with its roll-over, and verification of the emulator's own tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["Signer", "SigningKey", "UnknownKeyError", "base64url", "digest"]

_PADDING, _SHA256 = padding.PKCS1v15(), hashes.SHA256()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class UnknownKeyError(jwt.InvalidTokenError):
    """The token names a key that is not published."""


class SigningKey:
    """One RSA key and its certificate, named by the certificate's thumbprint as Microsoft's are."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.public: rsa.RSAPublicKey = key.public_key()
        self._certificate = certificate
        self.kid: str = base64url(certificate.fingerprint(hashes.SHA1()))  # noqa: S303 - a name, not a safeguard
        # A real v2 token names its key by kid only, a v1 token by x5t as well.
        self._headers = {
            "1.0": _encoded({"typ": "JWT", "alg": "RS256", "x5t": self.kid, "kid": self.kid}),
            "2.0": _encoded({"typ": "JWT", "alg": "RS256", "kid": self.kid}),
        }

    def sign(self, claims: dict[str, Any]) -> str:
        unsigned = self.unsigned(claims)
        return f"{unsigned.decode()}.{base64url(self.signature(unsigned))}"

    def unsigned(self, claims: dict[str, Any]) -> bytes:
        """What is signed of a token with these claims."""
        return self._headers[claims.get("ver", "2.0")] + b"." + _encoded(claims)

    def signature(self, unsigned: bytes) -> bytes:
        return self._key.sign(unsigned, _PADDING, _SHA256)

    def private_pem(self) -> bytes:
        """For a process that helps to sign."""
        kind = serialization.PrivateFormat.PKCS8
        return self._key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())

    def published(self, issuer: str) -> dict[str, Any]:
        """Its entry in a key set: public parts only."""
        numbers = self.public.public_numbers()
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": base64url(numbers.e.to_bytes(3, "big")),
            "x5c": [base64.b64encode(der).decode()],
            "issuer": issuer,
        }


class Signer:
    """Signs with the newest key and verifies with every published one. Any thread may call anything."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] = (SigningKey(key, certificate),)  # newest first
        self.generation: int = 1

    @property
    def kid(self) -> str:
        return self._keys[0].kid

    @property
    def kids(self) -> list[str]:
        """Those of every published key, newest first."""
        return [key.kid for key in self._keys]

    def roll(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> str:
        """Sign with this key; tokens of the earlier ones verify until `retire()`."""
        with self._lock:
            self._keys = (SigningKey(key, certificate), *self._keys)
            self.generation += 1
        return self.kid

    def retire(self) -> None:
        """Publish the newest key only."""
        with self._lock:
            self._keys = self._keys[:1]

    def public(self, kid: str | None) -> rsa.RSAPublicKey | None:
        """The published key of this name."""
        return next((key.public for key in self._keys if key.kid == kid), None)

    @property
    def key(self) -> SigningKey:
        """The one that signs."""
        return self._keys[0]

    def sign(self, claims: dict[str, Any]) -> str:
        return self._keys[0].sign(claims)

    def verified(self, token: str, *, audience: str | None = None, issuer: str | None = None) -> dict[str, Any]:
        """The claims, if signature, audience and issuer are right. Times are the caller's: it has the clock.

        Raises:
            jwt.InvalidTokenError: They are not, or the key is not among those published.
        """
        kid = jwt.get_unverified_header(token).get("kid")
        public = self._keys[0].public if kid is None else self.public(kid)
        if public is None:
            raise UnknownKeyError("The key was not found.")
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "nbf", "iat"]}
        if audience is None:
            options["verify_aud"] = False
        claims: dict[str, Any] = jwt.decode(token, public, algorithms=["RS256"], audience=audience, options=options)
        # After the audience: a v1 token for another API has another issuer too, and the API is what is wrong with it.
        if issuer is not None and claims.get("iss") != issuer:
            raise jwt.InvalidIssuerError("Invalid issuer")
        return claims

    def key_set(self, issuer: str) -> dict[str, Any]:
        """The JWKS: public parts only."""
        return {"keys": [key.published(issuer) for key in self._keys]}


def _encoded(content: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=")


def digest(token: str) -> str:
    """What stands for a token wherever one might be read by others."""
    return hashlib.sha256(token.encode()).hexdigest()
