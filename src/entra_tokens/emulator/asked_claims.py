"""The `claims` parameter: what a client can handle, and what a resource's challenge asks for.

https://learn.microsoft.com/entra/identity-platform/claims-challenge
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from .refusals import refusal_for

__all__ = ["NOTHING", "AskedClaims", "asked_claims", "challenge"]


@dataclass(frozen=True)
class AskedClaims:
    """`capabilities` are `xms_cc`'s values (`CP1`: handles claims challenges), `acrs` the authentication contexts."""

    capabilities: tuple[str, ...] = ()
    acrs: tuple[str, ...] = ()
    not_before: float | None = None
    """Epoch seconds; a token from before is not accepted any more."""

    @property
    def handles_challenges(self) -> bool:
        return "CP1" in self.capabilities


NOTHING = AskedClaims()


def asked_claims(text: str | None) -> AskedClaims:
    """What this parameter asks of the access token; other claims are ignored, as Entra does.

    Raises:
        Refusal: It is no JSON object.
    """
    if not text:
        return NOTHING
    try:
        wanted = json.loads(text).get("access_token") or {}
        not_before = _values(wanted.get("nbf"))
        return AskedClaims(
            _values(wanted.get("xms_cc")), _values(wanted.get("acrs")), float(not_before[0]) if not_before else None
        )
    except (ValueError, AttributeError, TypeError):
        refusal = refusal_for(
            9002313, expected='claims: a JSON object such as {"access_token":{"nbf":{"essential":true,"value":"1"}}}'
        )
        raise refusal.named("invalid_request") from None


def _values(claim: Any) -> tuple[str, ...]:
    if not isinstance(claim, dict):
        return ()
    values = claim.get("values") or ([claim["value"]] if "value" in claim else [])
    return tuple(str(value) for value in values)


def challenge(authority: str, claims: dict[str, Any], error: str = "insufficient_claims") -> str:
    """The `WWW-Authenticate` value with which a resource sends its caller back for another token."""
    encoded = base64.b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode()
    return (
        f'Bearer realm="", authorization_uri="{authority}/common/oauth2/authorize", error="{error}", claims="{encoded}"'
    )
