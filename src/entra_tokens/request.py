"""TokenRequest, scopes and resources, and the checks on what will stand in an address or a command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import ConfigurationError
from .record import Record

__all__ = ["TokenRequest", "checked_client_id", "checked_scopes", "checked_tenant_id", "to_resource", "to_scopes"]

DEFAULT_SUFFIX = "/.default"

# azure-identity's own alphabets: a tenant ends up in a path, both in the argument list of a command-line tool.
_TENANT = r"[A-Za-z0-9.-]+"
_SCOPE = r"[A-Za-z0-9_.:/~-]+"
# OpenID Connect Core 1.0 §5.4 and §11: these stand beside a resource's scopes and name no resource.
_OIDC = frozenset({"openid", "profile", "email", "offline_access"})


class TokenRequest(Record):
    """What one acquisition asks for. Frozen and hashable.

    Args:
        scopes: One resource's scopes, such as `("api://app/.default",)`.
        tenant_id: Another tenant than the credential's own; None: its own.
        claims: A claims challenge to satisfy (JSON text).
        enable_cae: Whether the caller can handle continuous access evaluation.
    """

    scopes: tuple[str, ...]
    tenant_id: str | None
    claims: str | None
    enable_cae: bool

    def __init__(
        self, scopes: tuple[str, ...], tenant_id: str | None = None, claims: str | None = None, enable_cae: bool = False
    ) -> None:
        if tenant_id is not None:
            checked_tenant_id(tenant_id)
        self._set(scopes=to_scopes(scopes), tenant_id=tenant_id, claims=claims, enable_cae=enable_cae)

    @property
    def resource(self) -> str:
        """The v1 form of the one scope: without exactly one trailing `/.default`."""
        return to_resource(self.scopes)


def to_scopes(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Normalise what a user gives as scope: a string (several separated by spaces) or an iterable of strings.

    A bare resource (`api://app`, a GUID, `https://host/`) becomes its `/.default`; a trailing slash is part of the
    resource and kept (https://learn.microsoft.com/entra/identity-platform/scopes-oidc).

    Raises:
        ConfigurationError: There is none, or one holds characters that no scope has.
    """
    if isinstance(scopes, (bytes, bytearray)) or not isinstance(scopes, Iterable):
        raise ConfigurationError(f"A scope must be a string, or several of them; not {type(scopes).__name__}.")
    names = scopes.split() if isinstance(scopes, str) else list(scopes)
    return checked_scopes(tuple(_with_default(name) for name in names))


def _with_default(name: str) -> str:
    if not isinstance(name, str) or name.endswith(DEFAULT_SUFFIX) or name in _OIDC:
        return name
    return name + DEFAULT_SUFFIX if _is_resource(name) else name


def _is_resource(name: str) -> bool:
    """Whether a name is a bare resource; `https://host/User.Read` and `User.Read` name a permission instead."""
    scheme, mark, rest = name.partition("://")
    if mark:
        # api://app, https://vault.azure.net/: the permission is what follows the resource's path.
        return bool(scheme) and ("/" not in rest or rest.endswith("/") or bool(re.fullmatch(_GUID_PAIR, rest)))
    return bool(re.fullmatch(_GUID, name))


_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GUID_PAIR = f"{_GUID}/{_GUID}"  # api://{tenant}/{app}, the portal's newer default


def checked_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes, or raise ConfigurationError."""
    if not scopes:
        raise ConfigurationError("No scope was given. Name one, such as 'api://<application id>/.default'.")
    for scope in scopes:
        if not isinstance(scope, str) or not re.fullmatch(_SCOPE, scope):
            raise ConfigurationError(
                f"{scope!r} is not a scope. One looks like 'api://<application id>/.default' and has only letters, "
                "digits and _ . : / ~ -"
            )
    return scopes


def to_resource(scopes: tuple[str, ...]) -> str:
    """The one resource of these scopes, for services that know only resources (managed identity, `az`).

    Raises:
        ConfigurationError: There is more than one scope.
    """
    if len(scopes) != 1:
        raise ConfigurationError(
            f"This credential takes exactly one scope, not {len(scopes)}: ask for '<resource>/.default'."
        )
    return scopes[0].removesuffix(DEFAULT_SUFFIX)


def checked_tenant_id(tenant_id: str) -> str:
    """Return the tenant, or raise ConfigurationError."""
    if not isinstance(tenant_id, str) or not re.fullmatch(_TENANT, tenant_id) or not tenant_id.strip("."):
        raise ConfigurationError(
            f"{tenant_id!r} is not a tenant. Give the tenant's id (a GUID) or one of its domains: letters, digits, "
            "'.' and '-' only."
        )
    return tenant_id


def checked_client_id(client_id: str) -> str:
    """Return the client id, or raise ConfigurationError."""
    if not isinstance(client_id, str) or not client_id.strip() or not client_id.isprintable():
        raise ConfigurationError("client_id must be a non-empty line of printable characters.")
    return client_id
