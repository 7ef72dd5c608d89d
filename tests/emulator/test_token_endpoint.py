"""Client credentials and the refresh token, and every refusal with its exact fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .conftest import Caller

API = "api://11111111-2222-4333-8444-555555555555/.default"


def test_a_token_verifies_against_the_key_set(e: Emulator, caller: Caller) -> None:
    document = caller.http.get(f"{e.authority}/{e.tenant_id}/v2.0/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(caller.http.get(document["jwks_uri"]).json())
    token = caller.access_token()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    audience = e.h2ogpte_scope.removeprefix("api://").removesuffix("/.default")
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=document["issuer"])
    assert claims["ver"] == "2.0"
    assert claims["tid"] == e.tenant_id
    assert claims["azp"] == e.client_id
    assert claims["azpacr"] == "1"
    assert claims["iss"] == f"{e.authority}/{e.tenant_id}/v2.0"


def test_the_key_set_has_no_private_part(e: Emulator, caller: Caller) -> None:
    (key,) = caller.http.get(f"{e.authority}/{e.tenant_id}/discovery/v2.0/keys").json()["keys"]
    assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert (key["kty"], key["use"], key["e"]) == ("RSA", "sig", "AQAB")


def test_every_token_is_another(caller: Caller) -> None:
    assert len({caller.access_token() for _ in range(5)}) == 5


def test_the_reply_is_a_real_one(caller: Caller) -> None:
    response = caller.token()
    body = response.json()
    assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert body["expires_in"] in (3599, 3600)
    assert type(body["expires_in"]) is int
    assert "no-store" in response.headers["cache-control"]


@pytest.mark.parametrize(
    ("resource", "audience"),
    [
        ("api://11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-555555555555"),
        ("11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-555555555555"),
        ("https://vault.azure.net", "https://vault.azure.net"),
        ("https://vault.azure.net/", "https://vault.azure.net/"),
    ],
)
def test_any_resource_is_known(caller: Caller, resource: str, audience: str) -> None:
    token = caller.token(scope=f"{resource}/.default").json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == audience


@pytest.mark.parametrize(
    ("tenant", "form", "status", "error", "code", "has_uri"),
    [
        (None, {"client_secret": "wrong"}, 401, "invalid_client", 7000215, True),
        (None, {"client_secret": None}, 401, "invalid_client", 7000218, True),
        (None, {"client_id": "00000000-0000-4000-8000-000000000000"}, 400, "unauthorized_client", 700016, True),
        ("no-such.example", {}, 400, "invalid_request", 90002, True),
        (None, {"scope": None}, 400, "invalid_request", 900144, True),
        (None, {"client_id": None}, 400, "invalid_request", 900144, True),
        (None, {"grant_type": None}, 400, "invalid_request", 900144, True),
        (None, {"grant_type": "magic"}, 400, "unsupported_grant_type", 70003, False),
        (None, {"scope": "api://app/Read"}, 400, "invalid_scope", 1002012, False),
        (None, {"scope": "api://a/.default api://b/.default"}, 400, "invalid_scope", 1002012, False),
        (None, {"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", 9002313, True),
    ],
)
def test_refusals_are_exact(
    caller: Caller, tenant: str | None, form: dict[str, Any], status: int, error: str, code: int, has_uri: bool
) -> None:
    response = caller.token(tenant, **form)
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert ("error_uri" in body) is has_uri
    assert re.fullmatch(
        rf"AADSTS{code}: .+ Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} "
        rf"Timestamp: {re.escape(body['timestamp'])}",
        body["error_description"],
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])


def test_a_refusal_takes_over_the_clients_correlation_id(e: Emulator, caller: Caller) -> None:
    mine = "5a6f6e65-0000-4000-8000-000000000001"
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token"
    assert caller.http.post(url, data={}, headers={"client-request-id": mine}).json()["correlation_id"] == mine


def test_only_a_form_by_post_is_read(e: Emulator, caller: Caller) -> None:
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token"
    assert caller.http.get(url).json()["error_codes"] == [900561]
    assert caller.http.post(url, json={"grant_type": "client_credentials"}).json()["error_codes"] == [900144]
    assert caller.http.get(f"{e.authority}/{e.tenant_id}/nowhere").status_code == 404


def test_the_secret_may_come_by_basic_authentication(e: Emulator, caller: Caller) -> None:
    form = {"grant_type": "client_credentials", "scope": API}
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token"
    assert caller.http.post(url, data=form, auth=(e.client_id, e.client_secret.replace("~", "%7E"))).status_code == 200


def test_a_life_under_a_minute_keeps_its_fraction(e: Emulator, caller: Caller) -> None:
    e.lifetime = 1.5
    body = caller.token().json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert body["expires_in"] == 1
    assert 1.4 < claims["exp"] - e.now() <= 1.5


def test_refresh_in_is_named_when_asked_for(e: Emulator, caller: Caller) -> None:
    assert "refresh_in" not in caller.token().json()
    e.refresh_in = 1800
    assert caller.token().json()["refresh_in"] == 1800


def test_a_refresh_token_gives_another_and_stays_good_until_revoked(e: Emulator, caller: Caller) -> None:
    code = caller.device_code()
    e.approve(code["user_code"])
    first = caller.poll(code["device_code"]).json()["refresh_token"]

    def refreshed(token: str) -> Any:
        return caller.token(grant_type="refresh_token", refresh_token=token, client_secret=None)

    second = refreshed(first).json()["refresh_token"]
    assert second != first
    assert refreshed(first).status_code == 200
    e.revoke_refresh_tokens()
    body = refreshed(second).json()
    assert (body["error"], body["error_codes"], body["suberror"]) == ("invalid_grant", [50173], "bad_token")


def test_what_arrived_can_be_read(e: Emulator, caller: Caller) -> None:
    caller.token(client_secret="wrong")
    (record,) = e.requests
    assert (record.method, record.grant, record.status) == ("POST", "client_credentials", 401)
    assert record.path == f"/{e.tenant_id}/oauth2/v2.0/token"
    assert record.form["client_secret"] == "wrong"
    assert "wrong" not in repr(record)
    assert record.headers["content-type"] == "application/x-www-form-urlencoded"
    assert abs(record.time - e.now()) < 10
    e.clear()
    assert e.requests == []
