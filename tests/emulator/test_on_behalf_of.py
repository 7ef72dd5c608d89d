"""On behalf of a user: whose token is taken, and every refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

GRAPH = "https://graph.microsoft.com/User.Read"


def exchange(caller: Caller, assertion: str | None, **form: str | None) -> httpx.Response:
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "requested_token_use": "on_behalf_of",
        "assertion": assertion,
        "scope": GRAPH,
        **form,
    }
    return caller.token(**fields)


def users_token(caller: Caller, scope: str | None = None, **form: str) -> str:
    """An access token of the user's; by default one for the application itself."""
    code = caller.device_code(scope or f"api://{caller.e.client_id}/access_as_user openid")
    caller.e.approve(code["user_code"])
    token: str = caller.poll(code["device_code"]).json()[form.get("kind", "access_token")]
    return token


def test_a_users_token_is_exchanged(e: Emulator, caller: Caller) -> None:
    body = exchange(caller, users_token(caller), scope=f"{GRAPH} offline_access", client_info="1").json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["upn"] == e.directory.user.username
    assert claims["scp"] == body["scope"] == "User.Read"
    assert claims["appidacr"] == "1"
    assert {"refresh_token", "client_info"} <= set(body)
    again = caller.token(grant_type="refresh_token", refresh_token=body["refresh_token"], scope=GRAPH)
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("scope", "kind", "code"),
    [
        (GRAPH, "access_token", 500131),
        (f"{GRAPH} openid", "id_token", 50013),  # its audience is the application, and it is no access token
    ],
)
def test_the_token_is_for_the_application(caller: Caller, scope: str, kind: str, code: int) -> None:
    body = exchange(caller, users_token(caller, scope, kind=kind)).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [code])
    named = "The audience in the assertion was 'https://graph.microsoft.com'" in body["error_description"]
    assert named is (code == 500131)


def test_an_application_has_no_behalf(e: Emulator, caller: Caller) -> None:
    own = caller.token(scope=f"api://{e.client_id}/.default").json()["access_token"]
    body = exchange(caller, own).json()
    assert (body["error"], body["error_codes"]) == ("unauthorized_client", [7000114])


def test_a_token_that_is_not_good(e: Emulator, caller: Caller) -> None:
    token = users_token(caller)
    assert exchange(caller, token[:-8] + "AAAAAAAA").json()["error_codes"] == [50013]
    assert exchange(caller, "nonsense").json()["error_codes"] == [50027]
    forged = jwt.encode({"aud": e.client_id}, "k" * 32, "HS256", {"kid": "unknown"})
    body = exchange(caller, forged).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [50013])
    e.advance(3600 + 301)
    assert exchange(caller, token).json()["error_codes"] == [500133]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"requested_token_use": None}, 900144),
        ({"requested_token_use": "something"}, 900144),
        ({"client_secret": None}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"assertion": None}, 900144),
        ({"scope": None}, 900144),
    ],
    ids=str,
)
def test_what_is_needed(caller: Caller, form: dict[str, Any], code: int) -> None:
    fields = {"assertion": users_token(caller), **form}
    assert exchange(caller, **fields).json()["error_codes"] == [code]


def test_a_policy_refuses_with_claims_to_pass_down(e: Emulator, caller: Caller) -> None:
    token = users_token(caller)
    e.fail("token", error=50079, scope=GRAPH)
    response = exchange(caller, token)
    body = response.json()
    assert (response.status_code, body["error"], body["suberror"]) == (400, "interaction_required", "basic_action")
    assert body["claims"].startswith('{"access_token":{"capolids":{"essential":true,"values":[')
    assert "https://graph.microsoft.com" in body["error_description"]
