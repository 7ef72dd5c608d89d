"""The endpoint as App Service, Functions and Container Apps have it, 2019-08-01: a secret header opens it.

https://learn.microsoft.com/azure/app-service/overview-managed-identity
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING

from .form import Asked, asked
from .head import Refused

if TYPE_CHECKING:
    from ..token import Token
    from .head import Head

__all__ = ["AppServiceForm"]

_PATH = "/msi/token"
_VERSION = "2019-08-01"


def _secret() -> bytes:
    return secrets.token_urlsafe(32).encode()


@dataclass(frozen=True)
class AppServiceForm:
    """`IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.

    Args:
        secret: What the header must hold; by default 256 random bits.
    """

    secret: bytes = field(default_factory=_secret, repr=False)

    name = "App Service"

    def environ(self, base: str) -> dict[str, str]:
        """The variables."""
        return {"IDENTITY_ENDPOINT": base + _PATH, "IDENTITY_HEADER": self.secret.decode()}

    def read(self, head: Head) -> Asked:
        """What is asked for; the header is compared in constant time, before anything else is looked at."""
        given = head.values(b"x-identity-header")
        if len(given) != 1 or not compare_digest(given[0], self.secret):
            raise Refused(
                401,
                "The X-IDENTITY-HEADER header is missing or wrong: it must be the IDENTITY_HEADER of this endpoint, "
                "which has another one every time it is started.",
                code="unauthorized",
                noted="its X-IDENTITY-HEADER is missing or wrong",
            )
        if head.path != _PATH.encode():
            raise Refused(404, f"Tokens are at {_PATH}.", code="not_found")
        query = head.query()
        if query.get("api-version") != _VERSION:
            raise Refused(400, f"The api-version must be {_VERSION}.")
        return asked(query)

    def answer(self, token: Token, asked: Asked, now: float) -> dict[str, str]:  # noqa: ARG002 - the protocol's
        """All strings, as the platform has them; it names the moment of expiry only."""
        body = {
            "access_token": str(token),
            "expires_on": str(int(token.expires_on)),
            "resource": asked.resource,
            "token_type": "Bearer",
        }
        return body if asked.identity is None else {**body, "client_id": asked.identity}

    def refusal(self, refused: Refused) -> dict[str, object]:
        """As the platform writes it."""
        return {"statusCode": refused.status, "message": refused.message}
