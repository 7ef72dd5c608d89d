"""v1 and v2: the resource decides on the token's form, the endpoint on the reply's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

API = "api://11111111-2222-4333-8444-555555555555"
VAULT = "https://vault.azure.net"


def claims_of(response: httpx.Response) -> dict[str, Any]:
    return jwt.decode(response.json()["access_token"], options={"verify_signature": False})


def v1(caller: Caller, path: str = "token", **form: str | None) -> httpx.Response:
    fields = {
        "grant_type": "client_credentials",
        "client_id": caller.e.client_id,
        "client_secret": caller.e.client_secret,
        "resource": API,
        **form,
    }
    url = f"{caller.e.authority}/{caller.e.tenant_id}/oauth2/{path}"
    return caller.http.post(url, data={name: value for name, value in fields.items() if value is not None})


def test_the_resource_decides_on_the_token(e: Emulator, caller: Caller) -> None:
    for response in (caller.token(scope=f"{VAULT}/.default"), v1(caller, resource=VAULT)):
        token = claims_of(response)
        assert (token["ver"], token["aud"], token["iss"]) == ("1.0", VAULT, f"{e.authority}/{e.tenant_id}/")
        assert (token["appid"], token["appidacr"]) == (e.client_id, "1")
        assert "azp" not in token
        header = jwt.get_unverified_header(response.json()["access_token"])
        assert header["x5t"] == header["kid"]
    for response in (caller.token(scope=f"{API}/.default"), v1(caller)):
        token = claims_of(response)
        assert (token["ver"], token["aud"]) == ("2.0", API.removeprefix("api://"))
        assert (token["azp"], token["azpacr"]) == (e.client_id, "1")
        assert "x5t" not in jwt.get_unverified_header(response.json()["access_token"])


def test_a_registered_resource(e: Emulator, caller: Caller) -> None:
    e.register_resource(API, version=1, roles=["Task.Read", "Task.Write"], optional_claims=["idtyp"])
    token = claims_of(caller.token(scope=f"{API}/.default"))
    assert (token["ver"], token["aud"], token["idtyp"]) == ("1.0", API, "app")
    assert token["roles"] == ["Task.Read", "Task.Write"]
    assert "scp" not in token
    e.register_resource("https://api.example", app_id="my-api")
    assert claims_of(caller.token(scope="https://api.example/.default"))["aud"] == "my-api"
    with pytest.raises(ValueError, match="no resource"):
        e.register_resource("a word")


def test_a_users_token_in_both_forms(e: Emulator, caller: Caller) -> None:
    user = e.directory.user

    def signed_in(scope: str) -> dict[str, Any]:
        code = caller.device_code(scope)
        e.approve(code["user_code"])
        return claims_of(caller.poll(code["device_code"]))

    token = signed_in(f"{VAULT}/user_impersonation")
    assert (token["scp"], token["upn"], token["unique_name"]) == ("user_impersonation", user.username, user.username)
    assert (token["appidacr"], token["amr"], token["acr"]) == ("0", ["pwd"], "1")
    token = signed_in(f"{API}/read {API}/write")
    assert (token["scp"], token["preferred_username"], token["azpacr"]) == ("read write", user.username, "0")
    assert "upn" not in token
    assert "roles" not in token


def test_the_v1_endpoint_writes_strings(e: Emulator, caller: Caller) -> None:
    body = v1(caller).json()
    assert {name: type(value) for name, value in body.items()} == dict.fromkeys(
        ["token_type", "expires_in", "ext_expires_in", "access_token", "expires_on", "not_before", "resource"], str
    )
    assert body["resource"] == API
    assert int(body["expires_on"]) - int(body["not_before"]) in (3599, 3600, 3601)


def test_each_endpoint_has_its_own_parameter(caller: Caller) -> None:
    assert v1(caller, resource=None, scope=f"{API}/.default").json()["error_codes"] == [900144]
    assert caller.token(resource=API).json()["error_codes"] == [901002]


def test_a_device_code_on_v1(e: Emulator, caller: Caller) -> None:
    fields = {"grant_type": None, "client_secret": None}
    code = v1(caller, "devicecode", **fields).json()
    assert (code["expires_in"], code["interval"]) == ("900", "5")
    assert code["verification_url"] == f"{e.authority}/device"
    poll = {"grant_type": "device_code", "code": code["device_code"], "client_secret": None}
    assert v1(caller, **poll).json()["error"] == "authorization_pending"
    e.approve(code["user_code"])
    body = v1(caller, **poll).json()
    assert {"refresh_token", "id_token", "expires_on"} <= set(body)
    assert jwt.decode(body["id_token"], options={"verify_signature": False})["iss"] == f"{e.authority}/{e.tenant_id}/"
    late = v1(caller, "devicecode", **fields).json()
    e.advance(901)
    assert v1(caller, **{**poll, "code": late["device_code"]}).json()["error"] == "code_expired"


def test_the_short_name_of_the_device_grant(e: Emulator, caller: Caller) -> None:
    code = caller.device_code()
    e.approve(code["user_code"])
    response = caller.token(grant_type="device_code", device_code=code["device_code"], client_secret=None, scope=None)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("tenant", "form", "status", "error", "code", "has_uri"),
    [
        ("common", {}, 400, "invalid_request", 50059, True),
        ("nonsense", {}, 400, "invalid_request", 900023, True),
        ("11111111-2222-4333-8444-555555555555", {}, 400, "invalid_request", 90002, True),
        (None, {"client_id": "00000000-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700038, False),
        (None, {"scope": "a-word/.default"}, 400, "invalid_resource", 500011, True),
    ],
    ids=str,
)
def test_more_refusals_are_exact(
    caller: Caller, tenant: str | None, form: dict[str, Any], status: int, error: str, code: int, has_uri: bool
) -> None:
    response = caller.token(tenant, **form)
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert ("error_uri" in body) is has_uri


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("https://a.example/read https://b.example/read", 700022),
        ("https://a.example/.default https://a.example/read", 70011),
        ("https://a.example/", 70011),
    ],
)
def test_scopes_of_a_user_are_checked(e: Emulator, caller: Caller, scope: str, code: int) -> None:
    assert caller.device_code(scope)["error_codes"] == [code]


def test_the_tenant_by_its_domain(e: Emulator, caller: Caller) -> None:
    assert claims_of(caller.token("emulator.example"))["tid"] == e.tenant_id


def test_the_realm_of_an_account(e: Emulator, caller: Caller) -> None:
    url = f"{e.authority}/common/userrealm/{e.directory.user.username}?api-version=1.0"
    assert caller.http.get(url).json()["account_type"] == "Managed"
