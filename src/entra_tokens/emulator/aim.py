"""Whose requests a fault is for: a tenant's, a client's, those for a scope."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .registry import Registry

__all__ = ["Aim", "Asking", "asking_of", "asking_of_bearer"]

_APP_ONLY = frozenset({"client_credentials", "managed_identity"})


@dataclass(frozen=True)
class Asking:
    """What a request is about, as far as it says."""

    tenants: frozenset[str] = frozenset()
    """The tenant's name in the path and its id."""
    client_id: str = ""
    scopes: frozenset[str] = field(default_factory=frozenset)
    """Each scope and resource, without `/.default` and the slash at the end."""
    grant: str = ""
    correlation_id: str | None = None

    @property
    def is_app_only(self) -> bool:
        return self.grant in _APP_ONLY

    @property
    def resource(self) -> str:
        return min(self.scopes, default="")


@dataclass(frozen=True)
class Aim:
    """Everything that is set has to fit; a request that does not say meets nothing that is aimed."""

    tenant: str | None = None
    client_id: str | None = None
    scope: str | None = None

    def takes(self, asking: Asking) -> bool:
        if self.tenant is not None and self.tenant.lower() not in asking.tenants:
            return False
        if self.client_id is not None and self.client_id.lower() != asking.client_id:
            return False
        return self.scope is None or _plain(self.scope) in asking.scopes


def asking_of(
    path: str, form: Mapping[str, str], headers: Mapping[str, str], grant: str | None, registry: Registry
) -> Asking:
    """What this request is about.

    Args:
        grant: As the record has it.
    """
    tenant = path.split("/", 2)[1]
    words = f"{form.get('scope', '')} {form.get('resource', '')}".split()
    return Asking(
        frozenset({tenant.lower(), registry.tenant(tenant) or ""}) - {""},
        (form.get("client_id") or form.get("clientid") or _basic_name(headers.get("authorization", ""))).lower(),
        frozenset(_plain(word) for word in words),
        grant or "",
        headers.get("client-request-id") or None,
    )


def asking_of_bearer(headers: Mapping[str, str]) -> Asking:
    """What a call of an API is about: whose token it carries, of which tenant, for which API. Nothing is verified."""
    _, _, token = headers.get("authorization", "").partition(" ")
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        tenant, audience = str(claims["tid"]).lower(), str(claims["aud"]).lower()
        client_id = str(claims.get("azp") or claims.get("appid") or "").lower()
    except (LookupError, ValueError, TypeError, AttributeError):
        return Asking()
    return Asking(frozenset({tenant}), client_id, frozenset({_plain(audience), f"api://{audience}"}))


def _plain(scope: str) -> str:
    return scope.removesuffix("/.default").rstrip("/").lower()


def _basic_name(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return unquote_plus(base64.b64decode(value, validate=True).decode().partition(":")[0])
    except (binascii.Error, UnicodeDecodeError):
        return ""
