"""TokenRequest; scopes and resources; what may stand in an address or a command line."""

from __future__ import annotations

from typing import Any

import pytest

from entra_tokens import ConfigurationError, TokenRequest
from entra_tokens.request import checked_client_id, checked_scopes, checked_tenant_id, to_resource, to_scopes

GUID = "6f1c2a0e-1111-2222-3333-0123456789ab"

SCOPES: list[Any] = [
    ("api://app", ("api://app/.default",)),
    ("api://app/.default", ("api://app/.default",)),
    ("api://app/", ("api://app//.default",)),  # the slash is part of the resource
    ("https://vault.azure.net/", ("https://vault.azure.net//.default",)),
    ("https://vault.azure.net", ("https://vault.azure.net/.default",)),
    ("https://vault.azure.net//.default", ("https://vault.azure.net//.default",)),
    (GUID, (f"{GUID}/.default",)),
    (GUID.upper(), (f"{GUID.upper()}/.default",)),
    (f"api://{GUID}", (f"api://{GUID}/.default",)),
    (f"api://{GUID}/{GUID}", (f"api://{GUID}/{GUID}/.default",)),
    (f"api://{GUID}/user_impersonation", (f"api://{GUID}/user_impersonation",)),
    ("https://graph.microsoft.com/User.Read", ("https://graph.microsoft.com/User.Read",)),
    ("User.Read", ("User.Read",)),
    ("openid profile offline_access", ("openid", "profile", "offline_access")),
    ("api://a api://b", ("api://a/.default", "api://b/.default")),
    (["api://a", "User.Read"], ("api://a/.default", "User.Read")),
    pytest.param(iter(["api://a"]), ("api://a/.default",), id="iterator"),
    ("  api://a \n", ("api://a/.default",)),
]


@pytest.mark.parametrize(("given", "scopes"), SCOPES, ids=lambda value: str(value)[:40])
def test_scopes_are_normalised(given: Any, scopes: tuple[str, ...]) -> None:
    """A bare resource (`api://app`) is accepted and becomes `api://app/.default`."""
    assert to_scopes(given) == scopes
    assert to_scopes(scopes) == scopes


@pytest.mark.parametrize(
    "wrong", ["", "   ", [], (), ["a b"], ["a\nb"], ['a"b'], ["a&b=c"], ["a?b"], ["a#b"], ["$(x)"], ["ü"], [None], [7]]
)
def test_what_no_scope_can_be_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        to_scopes(wrong)
    with pytest.raises(ConfigurationError):
        TokenRequest(wrong)
    with pytest.raises(ConfigurationError):
        checked_scopes(tuple(wrong) if not isinstance(wrong, str) else (wrong,))


RESOURCES = [
    ("api://app/.default", "api://app"),
    ("api://app//.default", "api://app/"),
    ("api://app/.default/.default", "api://app/.default"),  # exactly one
    ("https://vault.azure.net/.default", "https://vault.azure.net"),
    (f"{GUID}/.default", GUID),
    ("User.Read", "User.Read"),
]


@pytest.mark.parametrize(("scope", "resource"), RESOURCES)
def test_a_resource_is_the_scope_without_exactly_one_default(scope: str, resource: str) -> None:
    """scope / resource: `api://app/.default` on v2 / the same without exactly one trailing `/.default`."""
    assert to_resource((scope,)) == resource
    assert TokenRequest((scope,)).resource == resource


def test_several_scopes_are_no_resource() -> None:
    with pytest.raises(ConfigurationError, match="exactly one scope, not 2"):
        to_resource(("a/.default", "b/.default"))


def test_a_request_is_a_frozen_value() -> None:
    """`TokenRequest(scopes, tenant_id=None, claims=None, enable_cae=False)` is frozen."""
    request = TokenRequest(("api://app",))
    assert (request.scopes, request.tenant_id, request.claims, request.enable_cae) == (
        ("api://app/.default",), None, None, False,
    )  # fmt: skip
    assert request == TokenRequest(["api://app/.default"])  # type: ignore[arg-type]
    assert hash(request) == hash(TokenRequest("api://app"))  # type: ignore[arg-type]
    assert request != TokenRequest(("api://app",), enable_cae=True)
    assert TokenRequest(("s",), "t", "{}", True).claims == "{}"
    for name in ("scopes", "tenant_id", "claims", "enable_cae"):
        with pytest.raises(AttributeError):
            setattr(request, name, None)


@pytest.mark.parametrize("tenant", ["organizations", "contoso.onmicrosoft.com", GUID, "A-1.b"])
def test_a_tenant_has_azure_identity_s_characters(tenant: str) -> None:
    assert checked_tenant_id(tenant) == tenant
    assert TokenRequest(("s",), tenant).tenant_id == tenant


@pytest.mark.parametrize(
    "tenant", ["", ".", "..", "a/b", "a\\b", "a b", "a\n", "a?b", "a#b", "a%2f", "ü", 7, None, b"t"]
)
def test_another_tenant_is_refused(tenant: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a tenant"):
        checked_tenant_id(tenant)
    if tenant is not None:
        with pytest.raises(ConfigurationError, match="is not a tenant"):
            TokenRequest(("s",), tenant)


@pytest.mark.parametrize("client", [GUID, "a client with spaces", "ü"])
def test_a_client_id_is_any_printable_line(client: str) -> None:
    """`client_id` takes any printable characters."""
    assert checked_client_id(client) == client


@pytest.mark.parametrize("client", ["", "  ", "a\nb", "a\x00", None, 7])
def test_another_client_id_is_refused(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="client_id must be"):
        checked_client_id(client)
