"""Scopes: which one resource they name and what they ask of it.

https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .refusals import refusal_for
from .registry import GRAPH

__all__ = ["OIDC", "Asked", "app_resource", "user_scopes"]

OIDC = frozenset({"openid", "profile", "email", "offline_access"})
_DEFAULT = "/.default"


@dataclass(frozen=True)
class Asked:
    """`permissions` are the bare names, `granted` what the reply's `scope` says."""

    resource: str
    permissions: str
    oidc: frozenset[str] = field(default_factory=frozenset)

    @property
    def granted(self) -> str:
        """As the v2 endpoint writes it: with the resource before each, but for Graph's."""
        if self.resource == GRAPH:
            return self.permissions
        return " ".join(f"{self.resource}/{permission}" for permission in self.permissions.split())


def app_resource(scope: str) -> str:
    """The resource of an app-only request's scope.

    Raises:
        Refusal: It does not end in /.default, or there are several.
    """
    # Some clients put OpenID's scopes beside the resource's even when no user is there.
    names = [name for name in scope.split() if name not in OIDC] if " " in scope else [scope]
    if len(names) != 1 or not names[0].endswith(_DEFAULT) or names[0] == _DEFAULT:
        raise refusal_for(1002012, scope=scope, expected="scope: one '{resource}/.default'")
    return names[0].removesuffix(_DEFAULT)


def user_scopes(scopes: str) -> Asked:
    """The resource and permissions of a user's request; a bare word means Graph.

    Raises:
        Refusal: `.default` beside other scopes, two resources, or a scope without a permission.
    """
    words = scopes.split()
    oidc = frozenset(words) & OIDC
    names = [name for name in words if name not in OIDC]
    if not names:
        return Asked(GRAPH, "openid profile email", oidc)
    split = [name.rpartition("/") if "/" in name else (GRAPH, "/", name) for name in names]
    resources = {resource for resource, _, _ in split}
    permissions = [permission for _, _, permission in split]
    if not all(permissions) or (".default" in permissions and len(permissions) > 1):
        raise refusal_for(70011, scope=scopes, expected="scope: '{resource}/.default' alone, or named permissions")
    if len(resources) != 1:
        raise refusal_for(700022, scope=scopes, expected="scope: permissions of one resource")
    return Asked(resources.pop(), "access_as_user" if permissions == [".default"] else " ".join(permissions), oidc)
