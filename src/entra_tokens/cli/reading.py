"""What a text that should be an access token is, read without verifying anything."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..token import unverified_claims
from . import claims as reading
from .claims import application, text_of

__all__ = ["Read", "read", "taken_out"]

_SECRET = re.compile(r"[A-Za-z0-9_.~-]{3}8Q~[A-Za-z0-9_.~-]{30,40}")
# Refresh tokens and authorization codes of Entra begin so; those of personal accounts with M.
_REFRESH = re.compile(r"[01]\.A[A-Za-z0-9_-]{20,}|M\.[A-Z]\d+_[A-Z0-9]+\.")
_GRAPH = ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")


class Read(NamedTuple):
    """A text, and what it is.

    Args:
        kind: `access`, `id`, `graph`, `encrypted`, `refresh`, `secret` or `opaque`.
        header: Of a JWT.
        claims: Of a JWT.
    """

    kind: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def version(self) -> str | None:
        """`1.0` or `2.0`: the form of Entra's access tokens; None: it does not say."""
        return text_of(self.claims, "ver")

    @property
    def is_person(self) -> bool:
        return reading.is_person(self.claims)


def taken_out(text: str) -> str:
    """The token in what was pasted: a header, JSON of some command, or the token itself."""
    text = text.strip().strip("\"'")
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return text_of(found, "token", "access_token", "accessToken", "AccessToken") or _deeper(found) or text
    for word in ("authorization:", "bearer ", "bearer-ad ", "bearer-token "):
        if text.lower().startswith(word):
            return taken_out(text[len(word) :])
    return "".join(text.split())


def _deeper(found: dict[str, Any]) -> str | None:
    status = found.get("status")  # kubectl's
    return text_of(status, "token") if isinstance(status, dict) else None


def read(token: str) -> Read:
    """Read a token."""
    if _SECRET.fullmatch(token):
        return Read("secret", {}, {})
    parts = token.split(".")
    header = _header(parts[0]) if len(parts) in (3, 5) else {}
    if len(parts) == 5 and header:
        return Read("encrypted", header, {})
    try:
        claims = unverified_claims(token) if header else {}
    except ValueError:
        claims = {}
    if not claims:
        return Read("refresh" if _REFRESH.match(token) else "opaque", {}, {})
    return Read(_kind(header, claims), header, claims)


def _kind(header: dict[str, Any], claims: dict[str, Any]) -> str:
    audience = text_of(claims, "aud") or ""
    if "nonce" in header or audience.rstrip("/") in _GRAPH:
        return "graph"
    # An access token names the application that asked for it; an ID token is for that application, and needs not
    # (https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
    if application(claims) is None and not {"scp", "roles"} & claims.keys() and ("nonce" in claims or "sub" in claims):
        return "id"
    return "access"


def _header(part: str) -> dict[str, Any]:
    import base64

    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
