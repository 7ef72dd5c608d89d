"""Which tenant one call may ask: the credential's own, and only those that the provider's maker allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .request import checked_tenant_id

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tenant_for"]


def tenant_for(credential: object, asked: str | None, default: str | None, allowed: tuple[str, ...]) -> str | None:
    """The tenant to put into a request; None: the credential's own.

    A resource that names another tenant in its challenge must not get a token for it by default (confused deputy,
    https://learn.microsoft.com/dotnet/api/azure.identity.tokencredentialoptions.additionallyallowedtenants).

    Args:
        credential: `tenant_id` is its own tenant (None: whatever it is signed in to); `tenantless = True` says that the
            platform decides and that a tenant named in a call is no business of it; a chain has `members`.
        asked: What the call names.
        default: What the provider was made for.
        allowed: `additionally_allowed_tenants`; `"*"` allows any.

    Raises:
        ConfigurationError: That tenant is not allowed.
    """
    if asked is None or asked == default:
        return default
    checked_tenant_id(asked)
    own = list(_tenants(credential))
    if not own:
        return default
    if default is None and all(tenant == asked for tenant in own):
        return None
    if "*" in allowed or asked in allowed or (default is None and all(tenant in (None, asked) for tenant in own)):
        return asked
    raise ConfigurationError(
        f"This call asks for a token of tenant {asked}, which is not the credential's own. If that is meant, make the "
        f"provider with additionally_allowed_tenants=[{asked!r}]."
    )


def _tenants(credential: object) -> Iterator[str | None]:
    """The tenants of a credential and, in a chain, of its members."""
    members = getattr(credential, "members", None)
    if members is not None:
        for member in members:
            yield from _tenants(member)
    elif not getattr(credential, "tenantless", False):
        # A credential that says nothing about tenants has one of its own that is not known: no other is let through.
        yield getattr(credential, "tenant_id", "")
