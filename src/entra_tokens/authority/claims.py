"""The `claims` parameter of a token request.

https://learn.microsoft.com/entra/identity-platform/claims-challenge
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..request import TokenRequest

__all__ = ["checked_claims", "claims_of"]


def checked_claims(claims: str | None) -> str | None:
    """Return a claims challenge that is JSON, or raise ConfigurationError: msal would fail on it half-way."""
    if claims is None:
        return None
    try:
        wanted = json.loads(claims)
        if isinstance(wanted, dict) and isinstance(wanted.get("access_token", {}), dict):
            return claims
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigurationError("claims must be the JSON text of a claims challenge (decode it from base64 first).")


def claims_of(request: TokenRequest) -> str | None:
    """The `claims` parameter for a request, with our capabilities in it: for msal calls that do not merge them."""
    claims = checked_claims(request.claims)
    if not request.enable_cae:
        return claims
    wanted: dict[str, Any] = json.loads(claims) if claims else {}
    wanted.setdefault("access_token", {})["xms_cc"] = {"values": ["CP1"]}
    return json.dumps(wanted)
