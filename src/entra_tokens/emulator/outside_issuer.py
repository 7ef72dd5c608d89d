"""The issuers outside Entra that say which workload it is: of AKS, GitHub Actions and Azure Pipelines.

Each has a URL of its own, below which its discovery document and its keys are served. They sign with the emulator's
key: what tells their tokens from Entra's is the issuer.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .clock import EmulatorClock
    from .signing import Signer

__all__ = [
    "AUDIENCE",
    "BINDING_AUDIENCE",
    "GITHUB",
    "ISSUERS",
    "KUBERNETES",
    "PIPELINES",
    "OutsideIssuer",
    "outside_routes",
]

AUDIENCE = "api://AzureADTokenExchange"
BINDING_AUDIENCE = "api://AKSIdentityBinding"  # of a pod that asks through the token proxy
KUBERNETES, GITHUB, PIPELINES = "kubernetes", "github", "pipelines"
ISSUERS = {
    KUBERNETES: "system:serviceaccount:default:emulator",
    GITHUB: "repo:emulator/app:ref:refs/heads/main",
    PIPELINES: "sc://emulator/app/connection",
}
"""Their names, and the subject that the registered application trusts of each."""
_ROOT = "/outside"


class OutsideIssuer:
    """One of them. Any thread may call anything.

    Args:
        name: One of `ISSUERS`.
        base_url: Where the emulator serves its documents.
    """

    def __init__(self, name: str, clock: EmulatorClock, signer: Signer, base_url: str) -> None:
        self._clock = clock
        self._signer = signer
        self.name = name
        self.issuer: str = f"{base_url}{_ROOT}/{name}"
        self.subject: str = ISSUERS[name]

    def token(self, audience: str, lifetime: float, subject: str | None = None, **claims: Any) -> str:
        """A signed token.

        Args:
            audience: Its `aud`.
            lifetime: Seconds; negative: it has expired.
            subject: Its `sub`; None: the one that is trusted.
            claims: More of them.
        """
        now = int(self._clock.now())
        usual = {
            "iss": self.issuer,
            "sub": subject or self.subject,
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": int(now + lifetime),
            "jti": str(uuid.uuid4()),
        }
        return self._signer.sign({**usual, **claims})


def outside_routes(issuers: dict[str, OutsideIssuer], signer: Signer) -> list[Route]:
    """The discovery document and the keys of each."""

    async def discovery(request: Request) -> Response:
        issuer = issuers.get(request.path_params["name"])
        if issuer is None:
            return JSONResponse({"error": "Not found"}, status_code=404)
        document = {
            "issuer": issuer.issuer,
            "jwks_uri": f"{issuer.issuer}/keys",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return JSONResponse(document)

    async def keys(request: Request) -> Response:
        issuer = issuers.get(request.path_params["name"])
        if issuer is None:
            return JSONResponse({"error": "Not found"}, status_code=404)
        return JSONResponse(signer.key_set(issuer.issuer))

    return [
        Route(f"{_ROOT}/{{name}}/.well-known/openid-configuration", discovery, methods=["GET"]),
        Route(f"{_ROOT}/{{name}}/keys", keys, methods=["GET"]),
    ]
