"""Key roll-over, and the documents that lead to the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .conftest import Caller


def document(caller: Caller, tenant: str, version: str = "/v2.0") -> dict[str, Any]:
    url = f"{caller.e.authority}/{tenant}{version}/.well-known/openid-configuration"
    answer: dict[str, Any] = caller.http.get(url).json()
    return answer


def test_keys_roll_over(e: Emulator, caller: Caller) -> None:
    url = document(caller, e.tenant_id)["jwks_uri"]
    audience = e.h2ogpte_scope.removeprefix("api://").removesuffix("/.default")

    def kids() -> list[str]:
        return [key["kid"] for key in caller.http.get(url).json()["keys"]]

    def verify(token: str) -> None:
        keys = jwt.PyJWKSet.from_dict(caller.http.get(url).json())
        jwt.decode(
            token,
            keys[jwt.get_unverified_header(token)["kid"]],
            algorithms=["RS256"],
            audience=audience,
            issuer=e.issuer,
        )

    old = caller.access_token()
    (first,) = kids()
    second = e.roll_keys()
    assert kids() == [second, first]
    new = caller.access_token()
    assert jwt.get_unverified_header(new)["kid"] == second
    verify(old)
    verify(new)
    e.retire_keys()
    assert kids() == [second]
    verify(new)
    with pytest.raises(KeyError):
        verify(old)


def test_the_front_takes_the_old_key_until_it_is_retired(e: Emulator, caller: Caller) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer-AD {token}"}
        return caller.http.get(f"{e.h2ogpte_url}/rpc/meta", headers=headers).status_code

    old = caller.access_token()
    e.roll_keys()
    assert status(old) != 401
    e.retire_keys()
    assert status(old) == 401
    assert status(caller.access_token()) != 401


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_the_shared_documents_are_templates(e: Emulator, caller: Caller, tenant: str) -> None:
    shared = document(caller, tenant)
    (key,) = caller.http.get(shared["jwks_uri"]).json()["keys"]
    token = caller.access_token()
    tid = jwt.decode(token, options={"verify_signature": False})["tid"]
    for issuer in (shared["issuer"], key["issuer"]):
        assert issuer == f"{e.authority}/{{tenantid}}/v2.0"
        # What a validator has to do before it compares.
        assert issuer.replace("{tenantid}", tid) == e.issuer
    assert shared["tenant_region_scope"] is None
    assert document(caller, tenant, "")["issuer"] == f"{e.authority}/{{tenantid}}/"


def test_v1_tokens_verify_against_the_v1_document(e: Emulator, caller: Caller) -> None:
    old = document(caller, e.tenant_id, "")
    token = caller.token(scope="https://vault.azure.net/.default").json()["access_token"]
    keys = jwt.PyJWKSet.from_dict(caller.http.get(old["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    jwt.decode(token, key, algorithms=["RS256"], audience="https://vault.azure.net", issuer=old["issuer"])
    assert old["token_endpoint"] == f"{e.authority}/{e.tenant_id}/oauth2/token"


def test_the_document_has_what_the_real_one_has(e: Emulator, caller: Caller) -> None:
    assert set(document(caller, e.tenant_id)) >= {
        *("issuer", "authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "jwks_uri"),
        *("end_session_endpoint", "userinfo_endpoint", "kerberos_endpoint", "claims_supported", "scopes_supported"),
        *("tenant_region_scope", "cloud_instance_name", "cloud_graph_host_name", "msgraph_host", "rbac_url"),
        *("request_uri_parameter_supported", "http_logout_supported", "frontchannel_logout_supported"),
    }
    assert "private_key_jwt" in document(caller, e.tenant_id)["token_endpoint_auth_methods_supported"]


def test_another_tenant_has_its_own_issuer(e: Emulator, caller: Caller) -> None:
    tenant = e.register_tenant("second.example")
    assert document(caller, "second.example")["issuer"] == f"{e.authority}/{tenant}/v2.0"
    claims = jwt.decode(caller.token(tenant).json()["access_token"], options={"verify_signature": False})
    assert (claims["tid"], claims["iss"]) == (tenant, f"{e.authority}/{tenant}/v2.0")


def test_the_keys_of_no_tenant(e: Emulator, caller: Caller) -> None:
    assert caller.http.get(f"{e.authority}/nowhere.example/discovery/v2.0/keys").json()["error"] == "invalid_tenant"
