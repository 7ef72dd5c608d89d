"""The device-code flow and the page on which a person answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller


def test_a_code_is_approved(e: Emulator, caller: Caller) -> None:
    code = caller.device_code()
    assert re.fullmatch(r"[A-Z0-9]{9}", code["user_code"])
    assert (code["expires_in"], code["interval"]) == (900, 5)
    assert code["verification_uri"] == f"{e.authority}/device"
    assert e.pending_codes == [code["user_code"]]
    waiting = caller.poll(code["device_code"])
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    e.approve(code["user_code"])
    body = caller.poll(code["device_code"]).json()
    assert {"access_token", "refresh_token", "id_token", "client_info", "scope"} <= set(body)
    assert e.pending_codes == []
    assert caller.poll(code["device_code"]).json()["error"] == "bad_verification_code"


def test_what_was_not_asked_for_is_not_given(e: Emulator, caller: Caller) -> None:
    code = caller.device_code(e.h2ogpte_scope)
    e.approve(code["user_code"])
    assert not {"refresh_token", "id_token"} & set(caller.poll(code["device_code"]).json())


def test_a_code_is_declined(e: Emulator, caller: Caller) -> None:
    code = caller.device_code()
    e.decline(code["user_code"])
    assert caller.poll(code["device_code"]).json()["error"] == "authorization_declined"


def test_a_code_runs_out(e: Emulator, caller: Caller) -> None:
    code = caller.device_code()
    e.advance(901)
    assert caller.poll(code["device_code"]).json()["error"] == "expired_token"
    assert e.pending_codes == []
    with pytest.raises(LookupError):
        e.approve(code["user_code"])


def test_polling_too_fast_is_refused_when_switched_on(e: Emulator, caller: Caller) -> None:
    e.slow_down = True
    code = caller.device_code()
    errors = [caller.poll(code["device_code"]).json()["error"] for _ in range(2)]
    assert errors == ["authorization_pending", "slow_down"]
    e.advance(5)
    assert caller.poll(code["device_code"]).json()["error"] == "authorization_pending"


def open_page(caller: Caller, code: str) -> tuple[httpx.Response, dict[str, str]]:
    page = caller.http.get(f"{caller.e.authority}/device", params={"code": code})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    return page, fields


@pytest.mark.parametrize(("answer", "error"), [("approve", None), ("decline", "authorization_declined")])
def test_a_script_answers_on_the_page(caller: Caller, answer: str, error: str | None) -> None:
    code = caller.device_code()
    page, fields = open_page(caller, f" {code['user_code'].lower()} ")
    assert caller.e.client_id in page.text
    assert caller.e.directory.user.username in page.text
    done = caller.http.post(f"{caller.e.authority}/device", data={**fields, "answer": answer})
    assert done.status_code == 200
    assert caller.poll(code["device_code"]).json().get("error") == error


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"Origin": "https://elsewhere.example"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({}, {"form_token": "guessed"}),
        ({}, {"form_token": ""}),
    ],
)
def test_an_answer_from_elsewhere_is_refused(caller: Caller, headers: dict[str, str], form: dict[str, str]) -> None:
    code = caller.device_code()
    _, fields = open_page(caller, code["user_code"])
    answer = {**fields, **form, "answer": "approve"}
    assert caller.http.post(f"{caller.e.authority}/device", data=answer, headers=headers).status_code == 403
    assert caller.e.pending_codes == [code["user_code"]]


def test_the_page_loads_nothing_and_escapes_what_was_typed(caller: Caller) -> None:
    page, _ = open_page(caller, '"><script>alert(1)</script>')
    assert page.status_code == 404
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href)=|url\(|@import""", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "prefers-color-scheme: dark" in page.text


def test_a_foreign_host_name_is_refused(caller: Caller) -> None:
    page = caller.http.get(f"{caller.e.authority}/device", headers={"Host": "rebound.example"})
    assert page.status_code == 421
