"""Claims challenges and continuous access evaluation."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .conftest import Caller

CP1 = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
GRAPH = "https://graph.microsoft.com/.default"


def claims_of(body: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(body["access_token"], options={"verify_signature": False})


def decoded(header: str) -> dict[str, Any]:
    found = re.search(r'claims="([^"]+)"', header)
    assert found
    content: dict[str, Any] = json.loads(base64.b64decode(found[1]))
    return content


def test_a_challenge_is_what_a_resource_sends(e: Emulator) -> None:
    header = e.challenge()
    assert header.startswith(f'Bearer realm="", authorization_uri="{e.authority}/common/oauth2/authorize", error=')
    assert 'error="insufficient_claims"' in header
    assert decoded(header) == {"access_token": {"nbf": {"essential": True, "value": str(int(e.now()))}}}
    assert decoded(e.challenge(acrs="c1")) == {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    assert decoded(e.challenge({"access_token": {"x": None}})) == {"access_token": {"x": None}}


def test_tokens_of_capable_clients_live_for_a_day(e: Emulator, caller: Caller) -> None:
    body = caller.token(scope=GRAPH, claims=CP1).json()
    assert body["expires_in"] in (86_399, 86_400)
    assert body["refresh_in"] == 43_200
    assert claims_of(body)["xms_cc"] == ["CP1"]
    plain = caller.token(scope=GRAPH).json()
    assert plain["expires_in"] in (3599, 3600)
    assert "xms_cc" not in claims_of(plain)
    assert "refresh_in" not in plain


def test_the_resource_has_to_take_part(e: Emulator, caller: Caller) -> None:
    body = caller.token(claims=CP1).json()
    assert body["expires_in"] in (3599, 3600)
    assert "xms_cc" not in claims_of(body)
    e.cae_lifetime = 100_000
    e.register_resource(e.h2ogpte_scope, cae=True)
    assert caller.token(claims=CP1).json()["expires_in"] in (99_999, 100_000)
    e.register_resource(e.h2ogpte_scope, optional_claims=["xms_cc"])
    body = caller.token(claims=CP1).json()
    assert (claims_of(body)["xms_cc"], body["expires_in"] in (3599, 3600)) == (["CP1"], True)


def test_an_authentication_context_is_in_the_token(caller: Caller, e: Emulator) -> None:
    challenge = json.dumps(decoded(e.challenge(acrs="c1")))
    assert claims_of(caller.token(claims=challenge).json())["acrs"] == ["c1"]


def test_a_refresh_cannot_satisfy_what_the_sign_in_did_not(e: Emulator, caller: Caller) -> None:
    code = caller.device_code()
    e.approve(code["user_code"])
    token = caller.poll(code["device_code"]).json()["refresh_token"]
    wanted = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_secret": None, "scope": e.h2ogpte_scope}
    body = caller.token(**form, claims=wanted).json()
    assert (body["error"], body["error_codes"], body["claims"]) == ("interaction_required", [50076], wanted)
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/devicecode"
    scope = f"{e.h2ogpte_scope} offline_access"
    code = caller.http.post(url, data={"client_id": e.client_id, "scope": scope, "claims": wanted}).json()
    e.approve(code["user_code"])
    body = caller.poll(code["device_code"]).json()
    assert claims_of(body)["acrs"] == ["c1"]
    form["refresh_token"] = body["refresh_token"]
    assert claims_of(caller.token(**form, claims=wanted).json())["acrs"] == ["c1"]


def test_a_token_is_from_after_the_challenge(e: Emulator, caller: Caller) -> None:
    e.advance(10)
    wanted = decoded(e.revoke_sessions())
    token = claims_of(caller.token(claims=json.dumps(wanted)).json())
    assert token["nbf"] >= int(wanted["access_token"]["nbf"]["value"])


@pytest.mark.parametrize(
    "claims", ["nonsense", "[]", '{"access_token":3}', '{"access_token":{"nbf":{"value":"soon"}}}']
)
def test_what_is_no_claims_parameter(caller: Caller, claims: str) -> None:
    body = caller.token(claims=claims).json()
    assert (body["error"], body["error_codes"]) == ("invalid_request", [9002313])


@pytest.mark.parametrize("claims", ["{}", '{"id_token":{}}', '{"access_token":null}', '{"access_token":{"acrs":null}}'])
def test_what_asks_for_nothing(caller: Caller, claims: str) -> None:
    assert caller.token(claims=claims).status_code == 200
