"""The documents that a client reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .conftest import Caller


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers"])
def test_the_shared_names_have_a_template_for_issuer(e: Emulator, caller: Caller, tenant: str) -> None:
    document = caller.http.get(f"{e.authority}/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert document["issuer"] == f"{e.authority}/{{tenantid}}/v2.0"


def test_every_address_stays_on_the_authority(e: Emulator, caller: Caller) -> None:
    for version in ("/v2.0", ""):
        response = caller.http.get(f"{e.authority}/{e.tenant_id}{version}/.well-known/openid-configuration")
        document = response.json()
        addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
        assert addresses
        assert all(address.startswith(e.authority + "/") for address in addresses)
        assert response.headers["cache-control"] == "max-age=86400, private"


def test_an_unknown_tenant_is_refused_here_by_another_name(e: Emulator, caller: Caller) -> None:
    response = caller.http.get(f"{e.authority}/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_tenant")
    assert response.json()["error_codes"] == [90002]


def test_instance_discovery_knows_itself_only(e: Emulator, caller: Caller) -> None:
    def ask(host: str) -> dict[str, object]:
        endpoint = f"{host}/{e.tenant_id}/oauth2/v2.0/authorize"
        params = {"api-version": "1.1", "authorization_endpoint": endpoint}
        answer: dict[str, object] = caller.http.get(f"{e.authority}/common/discovery/instance", params=params).json()
        return answer

    assert str(ask(e.authority)["tenant_discovery_endpoint"]).startswith(e.authority)
    assert ask("https://login.elsewhere.example")["error"] == "invalid_instance"
