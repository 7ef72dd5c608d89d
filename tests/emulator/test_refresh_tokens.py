"""Refresh tokens: what they outlive, and each way in which they end. And passwords, which give them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

DAY = 86_400


def signed_in(caller: Caller, **claims: str) -> str:
    code = caller.device_code()
    caller.e.approve(code["user_code"])
    token: str = caller.poll(code["device_code"]).json()["refresh_token"]
    return token


def refresh(caller: Caller, token: str, tenant: str | None = None, **form: str | None) -> httpx.Response:
    fields = {"grant_type": "refresh_token", "refresh_token": token, "client_secret": None, **form}
    return caller.token(tenant, **fields)


def numbers(response: httpx.Response) -> tuple[Any, ...]:
    body = response.json()
    return body["error"], body["error_codes"], body.get("suberror")


def test_it_is_for_any_resource_and_any_tenant(e: Emulator, caller: Caller) -> None:
    token, tenant = signed_in(caller), e.register_tenant("second.example")
    body = refresh(caller, token, scope="https://graph.microsoft.com/.default openid").json()
    assert jwt.decode(body["access_token"], options={"verify_signature": False})["aud"] == "https://graph.microsoft.com"
    body = refresh(caller, token, "second.example").json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["tid"], claims["iss"]) == (tenant, f"{e.authority}/{tenant}/v2.0")


def test_it_is_for_one_client(e: Emulator, caller: Caller) -> None:
    other = e.register_application(public=True)
    assert numbers(refresh(caller, signed_in(caller), client_id=other.client_id)) == ("invalid_grant", [70000], None)


def test_the_old_one_stays_good_unless_rotation_is_strict(e: Emulator, caller: Caller) -> None:
    first = signed_in(caller)
    second = refresh(caller, first).json()["refresh_token"]
    assert refresh(caller, first).status_code == 200
    e.strict_rotation = True
    third = refresh(caller, second).json()["refresh_token"]
    assert numbers(refresh(caller, second)) == ("invalid_grant", [70000], None)
    # Who uses a token twice may have stolen it: its whole family ends.
    assert numbers(refresh(caller, third)) == ("invalid_grant", [70000], None)
    assert refresh(caller, signed_in(caller)).status_code == 200


def test_it_ends_by_ninety_days_without_use(e: Emulator, caller: Caller) -> None:
    token = signed_in(caller)
    e.advance(89 * DAY)
    assert refresh(caller, token).status_code == 200
    e.advance(89 * DAY)
    assert refresh(caller, token).status_code == 200
    e.advance(90 * DAY)
    response = refresh(caller, token)
    assert numbers(response) == ("invalid_grant", [700082], None)
    assert "inactive for 90.00:00:00" in response.json()["error_description"]


def test_it_ends_by_sign_in_frequency(e: Emulator, caller: Caller) -> None:
    e.sign_in_frequency = 3600
    token = signed_in(caller)
    token = refresh(caller, token).json()["refresh_token"]
    e.advance(3601)
    response = refresh(caller, token)
    assert numbers(response) == ("invalid_grant", [70043], "token_expired")
    assert "error_uri" not in response.json()
    assert refresh(caller, signed_in(caller)).status_code == 200


@pytest.mark.parametrize(("code", "suberror"), [(50173, "bad_token"), (70008, None), (50034, "bad_token")])
def test_it_ends_by_a_switch(e: Emulator, caller: Caller, code: int, suberror: str | None) -> None:
    token = signed_in(caller)
    e.revoke_refresh_tokens(code)
    assert numbers(refresh(caller, token)) == ("invalid_grant", [code], suberror)


def test_revoked_sessions(e: Emulator, caller: Caller) -> None:
    token = signed_in(caller)
    assert e.revoke_sessions().startswith('Bearer realm="", ')
    response = refresh(caller, token)
    assert numbers(response) == ("invalid_grant", [50173], "bad_token")
    assert "error_uri" in response.json()


def password(caller: Caller, tenant: str | None = None, **form: str | None) -> httpx.Response:
    account = caller.e._world.registry.account
    fields = {
        "grant_type": "password",
        "username": account.user.username,
        "password": account.password,
        "client_secret": None,
        "scope": f"{caller.e.h2ogpte_scope} offline_access",
        **form,
    }
    return caller.token(tenant, **fields)


def test_a_password(e: Emulator, caller: Caller) -> None:
    body = password(caller).json()
    assert refresh(caller, body["refresh_token"]).status_code == 200
    assert password(caller, "organizations").status_code == 200


@pytest.mark.parametrize(
    ("tenant", "form", "error", "code"),
    [
        (None, {"password": "wrong"}, "invalid_grant", 50126),
        (None, {"username": "nobody@emulator.example"}, "invalid_grant", 50034),
        (None, {"password": None}, "invalid_request", 900144),
        ("common", {}, "invalid_request", 9001023),
    ],
    ids=str,
)
def test_a_password_that_is_not_enough(
    caller: Caller, tenant: str | None, form: dict[str, Any], error: str, code: int
) -> None:
    assert numbers(password(caller, tenant, **form))[:2] == (error, [code])


def test_an_account_with_a_second_factor(e: Emulator, caller: Caller) -> None:
    bob = e.register_user("bob@emulator.example", mfa=True)
    response = password(caller, username="bob@emulator.example", password=bob.password)
    assert numbers(response) == ("interaction_required", [50076], "basic_action")
    assert "claims" in response.json()
