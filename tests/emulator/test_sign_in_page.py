"""The authorize endpoint, its page, and the codes that it ends in."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

ADDRESS = "http://localhost:53211"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-in-all"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def request_of(e: Emulator, **query: str | None) -> dict[str, str]:
    usual: dict[str, str | None] = {
        "client_id": e.client_id,
        "response_type": "code",
        "redirect_uri": ADDRESS,
        "scope": f"{e.h2ogpte_scope} openid offline_access",
        "state": "as-it-came&=",
        "nonce": "once",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **query,
    }
    return {name: value for name, value in usual.items() if value is not None}


def begin(caller: Caller, tenant: str | None = None, version: str = "/v2.0", **query: str | None) -> httpx.Response:
    url = f"{caller.e.authority}/{tenant or caller.e.tenant_id}/oauth2{version}/authorize"
    return caller.http.get(url, params=request_of(caller.e, **query))


def hidden(page: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def press(caller: Caller, page: httpx.Response, **answer: str) -> httpx.Response:
    return caller.http.post(f"{caller.e.authority}/signin", data={**hidden(page), **answer})


def told(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    assert response.headers["location"].startswith(ADDRESS)
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


def signed_in(caller: Caller, **query: str | None) -> dict[str, str]:
    return told(press(caller, begin(caller, **query), username=caller.e.directory.user.username))


def redeem(caller: Caller, code: str, **form: str | None) -> httpx.Response:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": ADDRESS,
        "code_verifier": VERIFIER,
        "client_secret": None,
        "scope": None,
        **form,
    }
    return caller.token(**fields)


def test_a_person_signs_in(e: Emulator, caller: Caller) -> None:
    answer = signed_in(caller)
    assert answer["state"] == "as-it-came&="
    body = redeem(caller, answer["code"]).json()
    claims = jwt.decode(body["id_token"], options={"verify_signature": False})
    assert (claims["nonce"], claims["aud"]) == ("once", e.client_id)
    assert claims["preferred_username"] == e.directory.user.username
    assert jwt.decode(body["access_token"], options={"verify_signature": False})["scp"] == "access_as_user"
    assert "refresh_token" in body


def test_a_person_declines(caller: Caller) -> None:
    answer = told(press(caller, begin(caller), decline="yes"))
    assert (answer["error"], answer["error_subcode"], answer["state"]) == ("access_denied", "cancel", "as-it-came&=")
    assert answer["error_description"].startswith("AADSTS65004: ")


def test_a_person_chooses_an_account(e: Emulator, caller: Caller) -> None:
    bob = e.register_user("bob@emulator.example", "Bob <script>")
    page = begin(caller, login_hint=bob.user.username)
    assert page.text.index("bob@") < page.text.index("ada@")
    assert "Bob &lt;script&gt;" in page.text
    code = told(press(caller, page, username="bob@emulator.example"))["code"]
    claims = jwt.decode(redeem(caller, code).json()["id_token"], options={"verify_signature": False})
    assert claims["name"] == bob.user.name
    assert press(caller, begin(caller, prompt="login"), username="nobody@x.example").status_code == 400


def test_the_answer_by_form(caller: Caller) -> None:
    page = press(caller, begin(caller, response_mode="form_post"), username=caller.e.directory.user.username)
    assert page.status_code == 200
    assert f'<form method="post" action="{ADDRESS}">' in page.text
    assert "<script" not in page.text
    assert hidden(page)["state"] == "as-it-came&amp;="
    assert f"form-action 'self' {ADDRESS}" in page.headers["content-security-policy"]
    assert redeem(caller, hidden(page)["code"]).status_code == 200


def test_a_session_signs_in_without_a_page_until_asked_for_one(e: Emulator, caller: Caller) -> None:
    assert told(begin(caller, prompt="none"))["error"] == "login_required"
    signed_in(caller)
    assert "code" in told(begin(caller))
    assert "code" in told(begin(caller, prompt="none"))
    assert told(begin(caller, prompt="none", login_hint="bob@emulator.example"))["error"] == "login_required"
    for prompt in ("login", "select_account"):
        assert begin(caller, prompt=prompt).status_code == 200
    caller.http.get(f"{e.authority}/{e.tenant_id}/oauth2/v2.0/logout")
    assert told(begin(caller, prompt="none"))["error"] == "login_required"
    signed_in(caller)
    e.revoke_sessions()
    assert begin(caller).status_code == 200


def test_a_code_is_good_once_and_for_ten_minutes(e: Emulator, caller: Caller) -> None:
    code = signed_in(caller)["code"]
    assert redeem(caller, code).status_code == 200
    body = redeem(caller, code).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [54005])
    late = signed_in(caller, prompt="login")["code"]
    e.advance(601)
    assert redeem(caller, late).json()["error_codes"] == [70008]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"code_verifier": "another-verifier-of-at-least-forty-three-letters"}, 501481),
        ({"code_verifier": None}, 50148),
        ({"redirect_uri": "http://localhost:53212"}, 500112),
        ({"redirect_uri": None}, 500112),
        ({"code": "made-up"}, 9002313),
        ({"code": None}, 900144),
        ({"client_secret": "wrong"}, 7000215),
    ],
    ids=str,
)
def test_what_does_not_fit_the_code(caller: Caller, form: dict[str, Any], code: int) -> None:
    fields = {"code": signed_in(caller)["code"], **form}
    assert redeem(caller, **fields).json()["error_codes"] == [code]


@pytest.mark.parametrize("method", ["plain", None])
def test_a_challenge_in_the_plain(caller: Caller, method: str | None) -> None:
    code = signed_in(caller, code_challenge=VERIFIER, code_challenge_method=method)["code"]
    assert redeem(caller, code).status_code == 200


def test_another_client_or_tenant(e: Emulator, caller: Caller) -> None:
    other, tenant = e.register_application(public=True), e.register_tenant()
    code = signed_in(caller)["code"]
    assert redeem(caller, code, client_id=other.client_id).json()["error_codes"] == [9002313]
    assert redeem(caller, code, tenant=tenant).json()["error_codes"] == [700005]
    assert redeem(caller, code, tenant="common").status_code == 200


def test_a_web_application_proves_itself(e: Emulator, caller: Caller) -> None:
    e.application.redirect_uris.append("https://app.example/answer")
    page = begin(caller, redirect_uri="https://app.example/answer")
    response = press(caller, page, username=e.directory.user.username)
    code = parse_qs(urlsplit(response.headers["location"]).query)["code"][0]
    assert "form-action 'self' https://app.example;" in page.headers["content-security-policy"] + ";"
    form = {"redirect_uri": "https://app.example/answer"}
    assert redeem(caller, code, **form).json()["error_codes"] == [7000218]
    assert redeem(caller, code, client_secret=e.client_secret, **form).status_code == 200


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("http://localhost", True),
        ("http://localhost/", True),
        ("http://localhost:1/", True),
        ("http://localhost:1/elsewhere", False),
        ("https://localhost:1", False),
        ("http://localhost.elsewhere.example", False),
        ("http://a@localhost:1", False),
        ("http://127.0.0.1:1", False),
        ("https://app.example/answer", True),
        ("https://app.example/Answer", False),
        ("https://app.example/answer/", False),
        ("https://app.example/answer?x=1", False),
        ("javascript:alert(1)", False),
    ],
)
def test_addresses_are_compared_exactly(e: Emulator, caller: Caller, address: str, known: bool) -> None:
    e.application.redirect_uris.append("https://app.example/answer")
    response = begin(caller, redirect_uri=address)
    assert response.status_code == (200 if known else 400)
    assert ("AADSTS50011" in response.text) is not known


@pytest.mark.parametrize(
    ("query", "tenant", "code"),
    [
        ({"client_id": "11111111-2222-4333-8444-555555555555"}, None, "AADSTS700016"),
        ({"client_id": None}, None, "AADSTS900144"),
        ({}, "nowhere.example", "AADSTS90002"),
        ({}, "not a tenant", "AADSTS900023"),
    ],
    ids=str,
)
def test_only_the_person_is_told(caller: Caller, query: dict[str, Any], tenant: str | None, code: str) -> None:
    response = begin(caller, tenant, **query)
    assert response.status_code == 400
    assert code in response.text


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": None}, "invalid_request"),
        ({"scope": "https://a.example/.default https://a.example/b"}, "invalid_scope"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"claims": "nonsense"}, "invalid_request"),
    ],
    ids=str,
)
def test_the_application_is_told(caller: Caller, query: dict[str, Any], error: str) -> None:
    answer = told(begin(caller, **query))
    assert (answer["error"], answer["state"]) == (error, "as-it-came&=")


@pytest.mark.parametrize(
    ("headers", "form", "status"),
    [
        ({"Origin": "https://elsewhere.example"}, {}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, {}, 403),
        ({}, {"form_token": "guessed"}, 403),
        ({}, {"sign_in": "guessed"}, 404),
    ],
)
def test_an_answer_from_elsewhere_is_refused(
    caller: Caller, headers: dict[str, str], form: dict[str, str], status: int
) -> None:
    fields = {**hidden(begin(caller)), "username": caller.e.directory.user.username, **form}
    response = caller.http.post(f"{caller.e.authority}/signin", data=fields, headers=headers)
    assert response.status_code == status


def test_the_page_loads_nothing_and_escapes_what_it_shows(caller: Caller) -> None:
    page = begin(caller, scope='https://a.example/"><script>alert(1)</script>')
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href)=|url\(|@import""", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_v1_endpoint_names_a_resource(e: Emulator, caller: Caller) -> None:
    page = begin(caller, version="", scope=None, resource=f"api://{e.directory.h2ogpte_id}")
    code = told(press(caller, page, username=e.directory.user.username))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": ADDRESS, "code_verifier": VERIFIER}
    url = f"{e.authority}/{e.tenant_id}/oauth2/token"
    body = caller.http.post(url, data={**form, "client_id": e.client_id}).json()
    assert type(body["expires_in"]) is str
    assert jwt.decode(body["id_token"], options={"verify_signature": False})["ver"] == "1.0"


def test_signing_in_without_a_page(e: Emulator, caller: Caller) -> None:
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/authorize?" + str(
        caller.http.build_request("GET", e.authority, params=request_of(e)).url.query.decode()
    )
    assert redeem(caller, e.authorize(url)["code"]).status_code == 200
    assert e.authorize(url, decline=True)["error"] == "access_denied"
    with pytest.raises(LookupError):
        e.authorize(url, "nobody@x.example")
    with pytest.raises(ValueError, match="AADSTS50011"):
        e.authorize(url.replace("53211", "53211%2Felsewhere"))
    with pytest.raises(ValueError, match="no authorize endpoint"):
        e.authorize(e.authority)
    assert e.authorize(url.replace("S256", "S512"))["error"] == "invalid_request"
