"""Which tenant a call may ask."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from entra_tokens import ConfigurationError
from entra_tokens.tenants import tenant_for


def one(tenant: str | None) -> Any:
    return SimpleNamespace(tenant_id=tenant)


MINE, ANY, SILENT = one("mine"), one(None), SimpleNamespace()
PLATFORM = SimpleNamespace(tenantless=True)


def chain(*members: Any) -> Any:
    return SimpleNamespace(members=members)


# credential, asked by the call, the provider's, allowed → what goes into the request
ALLOWED: list[tuple[Any, str | None, str | None, tuple[str, ...], str | None]] = [
    (MINE, None, None, (), None),
    (MINE, "mine", None, (), None),
    (MINE, None, "yours", (), "yours"),
    (MINE, "yours", "yours", (), "yours"),
    (MINE, "yours", None, ("yours",), "yours"),
    (MINE, "yours", None, ("other", "yours"), "yours"),
    (MINE, "yours", None, ("*",), "yours"),
    (MINE, "mine", "yours", ("mine",), "mine"),
    (ANY, "yours", None, (), "yours"),  # whatever it is signed in to
    (PLATFORM, "yours", None, (), None),  # a managed identity has no say in it
    (PLATFORM, "yours", "theirs", (), "theirs"),
    (SILENT, "yours", None, ("yours",), "yours"),
    (chain(), "yours", None, (), None),
    (chain(PLATFORM, MINE), "mine", None, (), None),
    (chain(MINE, ANY), "mine", None, (), "mine"),
    (chain(ANY, chain(ANY)), "yours", None, (), "yours"),
    (chain(PLATFORM, PLATFORM), "yours", None, (), None),
]


@pytest.mark.parametrize(("credential", "asked", "default", "allowed", "goes"), ALLOWED)
def test_a_tenant_that_may_be_asked(
    credential: Any, asked: str | None, default: str | None, allowed: tuple[str, ...], goes: str | None
) -> None:
    assert tenant_for(credential, asked, default, allowed) == goes


REFUSED: list[tuple[Any, str, str | None, tuple[str, ...]]] = [
    (MINE, "yours", None, ()),
    (MINE, "yours", None, ("other",)),
    (MINE, "mine", "yours", ()),
    (ANY, "yours", "theirs", ()),
    (SILENT, "yours", None, ()),
    (chain(MINE, ANY), "yours", None, ()),
    (chain(ANY, SILENT), "yours", None, ()),
    (chain(PLATFORM, MINE), "yours", None, ()),
]


@pytest.mark.parametrize(("credential", "asked", "default", "allowed"), REFUSED)
def test_a_tenant_that_may_not(credential: Any, asked: str, default: str | None, allowed: tuple[str, ...]) -> None:
    """A per-call `tenant_id` other than the credential's is refused unless allowed."""
    with pytest.raises(ConfigurationError, match=rf"additionally_allowed_tenants=\['{asked}'\]"):
        tenant_for(credential, asked, default, allowed)


@pytest.mark.parametrize("asked", ["", "a/b", "..", "a b", 7])
def test_what_is_no_tenant_is_refused_also_where_any_is_allowed(asked: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a tenant"):
        tenant_for(MINE, asked, None, ("*",))
