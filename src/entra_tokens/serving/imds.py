"""The endpoint as the metadata service of virtual machines has it, under a path that nobody can guess.

IMDS has no secret: its address answers only inside the machine. Loopback answers every user and every page, so the
secret is in front of the path. Clients append IMDS's own path to `AZURE_POD_IDENTITY_AUTHORITY_HOST`.
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING

from .form import Asked, asked
from .head import Refused

if TYPE_CHECKING:
    from ..token import Token
    from .head import Head

__all__ = ["ImdsForm"]

_PATH = "/metadata/identity/oauth2/token"
_OLDEST = "2018-02-01"
_DATE = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")


def _secret() -> str:
    # Lower case only: msal-node makes the whole address so, and appends a slash.
    return secrets.token_hex(32)


@dataclass(frozen=True)
class ImdsForm:
    """`AZURE_POD_IDENTITY_AUTHORITY_HOST`.

    Args:
        prefix: The first part of the path; by default 256 random bits.
    """

    prefix: str = field(default_factory=_secret, repr=False)

    name = "IMDS"

    def environ(self, base: str) -> dict[str, str]:
        """The variable."""
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": f"{base}/{self.prefix}"}

    def read(self, head: Head) -> Asked:
        """What is asked for; the path is compared in constant time, before anything else is looked at."""
        if not compare_digest(head.path.removesuffix(b"/"), f"/{self.prefix}{_PATH}".encode()):
            raise Refused(
                403,  # not 404, which clients take for a host that is starting: they would try for 25 s
                "Nothing is here: the path must begin as in the AZURE_POD_IDENTITY_AUTHORITY_HOST of this endpoint, "
                "which has another one every time it is started.",
                code="forbidden",
                noted="its path is not the secret one",
            )
        if [value.lower() for value in head.values(b"metadata")] != [b"true"]:
            # Clients probe without it and take any answer for a sign of life.
            raise Refused(400, "Required metadata header not specified", code="bad_request_102")
        query = head.query()
        version = query.get("api-version", "")
        if not _DATE.fullmatch(version) or version < _OLDEST:
            raise Refused(400, f"The api-version must be {_OLDEST} or later.")
        return asked(query)

    def answer(self, token: Token, asked: Asked, now: float) -> dict[str, str]:
        """All strings, as the service has them."""
        left = str(max(int(token.expires_on - now), 0))
        return {
            "access_token": str(token),
            "client_id": asked.identity or "",
            "expires_in": left,
            "expires_on": str(int(token.expires_on)),
            "ext_expires_in": left,
            "not_before": str(int(now)),
            "resource": asked.resource,
            "token_type": "Bearer",
        }

    def refusal(self, refused: Refused) -> dict[str, object]:
        """As the service writes it."""
        return {"error": refused.code, "error_description": refused.message}
