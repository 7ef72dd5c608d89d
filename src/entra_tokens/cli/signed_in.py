"""Who is signed in here, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .credential import store_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..stores.records import Account
    from .settings import Settings

__all__ = ["account_of", "accounts_as_json"]


def account_of(settings: Settings) -> Account | None:
    """Whose sign-in these settings use: of those for the application and tenant, the last one."""
    from ..authority.cloud import normalised_authority

    authority = normalised_authority(settings.authority)
    tenant = (settings.tenant or "organizations").lower()
    for account in store_of().accounts():
        if (account.authority, account.tenant_id, account.client_id) == (authority, tenant, settings.client_id):
            return account
    return None


def accounts_as_json(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """As `accounts --json` prints them."""
    return [
        {
            "username": account.username,
            "tenant_id": account.tenant_id,
            "client_id": account.client_id,
            "authority": account.authority,
            "signed_in": int(account.signed_in),
        }
        for account in accounts
    ]
