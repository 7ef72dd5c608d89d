"""What the claims of an access token say, in both of Entra's versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["application", "is_person", "text_of", "user"]


def text_of(claims: Mapping[str, Any], *names: str) -> str | None:
    """The first of these claims that is a text."""
    for name in names:
        value = claims.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def is_person(claims: Mapping[str, Any]) -> bool:
    """Whether it is a person's token, not an application's own (https://learn.microsoft.com/entra/identity-platform/
    access-token-claims-reference: `idtyp`, and `scp` which only a person's has)."""
    if claims.get("idtyp") in ("app", "user"):
        return bool(claims["idtyp"] == "user")
    return "scp" in claims or user(claims) is not None


def user(claims: Mapping[str, Any]) -> str | None:
    """The user's name: v2, v1, and what is left."""
    return text_of(claims, "preferred_username", "upn", "unique_name", "email")


def application(claims: Mapping[str, Any]) -> str | None:
    """The application that asked for it: `azp` in v2, `appid` in v1."""
    return text_of(claims, "azp", "appid")
