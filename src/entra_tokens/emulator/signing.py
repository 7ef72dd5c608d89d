"""RS256 signatures, the key set, and verification of the emulator's own tokens."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["Signer", "digest"]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """Signs and verifies with one key."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._public = key.public_key()
        self._certificate = certificate
        # Microsoft's keys are named by the thumbprint of their certificate.
        self.kid = _base64url(certificate.fingerprint(hashes.SHA1()))  # noqa: S303 - a name, not a safeguard

    def sign(self, claims: dict[str, Any]) -> str:
        # A real v2 token names its key by kid only.
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.kid})

    def verified(self, token: str, *, audience: str, issuer: str) -> dict[str, Any]:
        """The claims, if signature, audience and issuer are right. Times are the caller's: it has the clock.

        Raises:
            jwt.InvalidTokenError: They are not.
        """
        claims: dict[str, Any] = jwt.decode(
            token,
            self._public,
            algorithms=["RS256"],
            audience=audience,
            issuer=issuer,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "nbf", "iat"]},
        )
        return claims

    def key_set(self, issuer: str) -> dict[str, Any]:
        """The JWKS: public parts only."""
        numbers = self._public.public_numbers()
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "kid": self.kid,
                    "x5t": self.kid,
                    "n": _base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
                    "e": _base64url(numbers.e.to_bytes(3, "big")),
                    "x5c": [base64.b64encode(der).decode()],
                    "issuer": issuer,
                }
            ]
        }


def digest(token: str) -> str:
    """What stands for a token wherever one might be read by others."""
    return hashlib.sha256(token.encode()).hexdigest()
