"""The pages as a person meets them: in a real browser, with a mouse or with the keyboard alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from browser import ARGUMENTS, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from playwright.sync_api import Browser, Locator, Page

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# WCAG 2.2, 1.4.3: text stands out from what is behind it by 4.5 to 1.
FAINT = """() => {
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.checkVisibility())
    .filter((element) => [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .filter((element) => {
      const [a, b] = [parts(getComputedStyle(element).color), behind(element)].map(luminance).sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5;
    })
    .map((element) => element.outerHTML.slice(0, 120));
}"""
NAMELESS = """() =>
  [...document.querySelectorAll('button, select, input:not([type=hidden]), a, summary, [tabindex="0"]')]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.labels?.length || each.ariaLabel || each.textContent.trim() || each.title))
  .map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Of the module: while it is there an event loop runs in this thread, and other tests could start none.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that fails its test if a script of it fails or its policy forbids it something."""
    context = browser.new_context(ignore_https_errors=True, **getattr(request, "param", {}))
    context.set_default_timeout(10_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
    yield page
    context.close()
    assert wrong == []


def error_of(caller: Caller, code: dict[str, Any]) -> str | None:
    error: str | None = caller.poll(code["device_code"]).json().get("error")
    return error


def alive(page: Page) -> Locator:
    return page.get_by_role("list", name="Tokens alive").get_by_role("listitem")


def faults(page: Page) -> Locator:
    return page.get_by_role("list", name="Faults in force").get_by_role("listitem")


# The device page.


def test_a_code_is_approved_with_the_keyboard_alone(page: Page, caller: Caller) -> None:
    code = caller.device_code()
    page.goto(f"{caller.e.authority}/device")
    page.keyboard.type(f" {code['user_code'].lower()}")  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Sign in?")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You are signed in on your device.")
    assert error_of(caller, code) is None


def test_a_code_is_declined(page: Page, caller: Caller) -> None:
    code = caller.device_code()
    page.goto(f"{caller.e.authority}/device?code={code['user_code']}")
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("status")).to_contain_text("declined")
    assert error_of(caller, code) == "authorization_declined"


def test_a_wrong_code_can_be_put_right(page: Page, caller: Caller) -> None:
    code = caller.device_code()
    page.goto(f"{caller.e.authority}/device")
    field = page.get_by_label("Code shown on your device")
    field.fill("WRONG2345")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("alert")).to_contain_text("No sign-in waits for this code")
    expect(field).to_be_focused()
    expect(field).to_have_value("WRONG2345")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(code["user_code"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Sign in?")
    assert error_of(caller, code) == "authorization_pending"


def test_an_account_is_chosen(page: Page, caller: Caller) -> None:
    caller.e.register_user("grace@emulator.example", "Grace Second")
    code = caller.device_code()
    page.goto(f"{caller.e.authority}/device?code={code['user_code']}")
    page.get_by_label("Account").select_option(label="Grace Second (grace@emulator.example)")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert caller.poll(code["device_code"]).status_code == 200


# The sign-in page.


def authorize(e: Emulator) -> str:
    asked = {
        "client_id": e.client_id,
        "response_type": "code",
        # The control room is at hand, and any port of localhost is registered.
        "redirect_uri": e.control_room_url.rstrip("/"),
        "scope": f"{e.h2ogpte_scope} offline_access",
        "state": "as sent",
    }
    return f"{e.authority}/{e.tenant_id}/oauth2/v2.0/authorize?{urlencode(asked)}"


def test_a_person_signs_in_with_the_keyboard_alone(page: Page, caller: Caller) -> None:
    page.goto(authorize(caller.e))
    expect(page.get_by_role("button", name="Ada Emulator")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("code="))
    answer = parse_qs(urlsplit(page.url).query)
    assert answer["state"] == ["as sent"]
    redeemed = caller.token(
        grant_type="authorization_code", code=answer["code"][0], redirect_uri=caller.e.control_room_url.rstrip("/")
    )
    assert "refresh_token" in redeemed.json()


def test_a_person_cancels(page: Page, e: Emulator) -> None:
    page.goto(authorize(e))
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(re.compile("error=access_denied"))


# The control room.


def test_what_happens_is_seen_at_once(page: Page, caller: Caller) -> None:
    page.goto(caller.e.control_room_url)
    expect(page.get_by_text("No request yet.")).to_be_visible()
    caller.token()
    caller.token(client_secret="wrong")
    rows = page.get_by_role("list", name="Requests, newest first").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("401")
    expect(rows.nth(1)).to_contain_text(re.compile(r"client credentials.*POST /\{tenant\}/oauth2/v2\.0/token.*200"))
    expect(page.get_by_text("No request yet.")).to_be_hidden()
    expect(alive(page)).to_have_count(1)
    expect(alive(page)).to_contain_text("Emulated application")
    expect(page.locator("#news")).to_contain_text("2 new requests", timeout=15_000)


def test_a_fault_is_set_and_healed(page: Page, caller: Caller) -> None:
    page.goto(caller.e.control_room_url)
    page.get_by_label("Who fails").select_option("Token endpoint")
    page.get_by_label("How", exact=True).select_option("Wrong client secret (7000215)")
    page.get_by_role("button", name="Set fault").click()
    expect(page.get_by_role("status")).to_have_text("Set: Token endpoint, Wrong client secret (7000215).")
    assert caller.token().json()["error_codes"] == [7000215]
    expect(faults(page)).to_contain_text("met 1 time")
    page.get_by_role("button", name="Heal Token endpoint: 7000215").click()
    expect(page.get_by_text("Nothing fails.")).to_be_visible()
    expect(page.get_by_role("heading", name="Faults")).to_be_focused()
    assert caller.token().status_code == 200


def test_a_fault_is_set_and_healed_with_the_keyboard_alone(page: Page, caller: Caller) -> None:
    page.goto(caller.e.control_room_url)
    page.get_by_label("Who fails").focus()
    page.keyboard.type("Device-code")
    page.keyboard.press("Tab")
    page.keyboard.type("500")
    page.keyboard.press("Tab")
    page.keyboard.type("Requests")
    page.keyboard.press("Tab")
    page.keyboard.type("2")  # what stands in the field is selected
    page.keyboard.press("Enter")
    expect(faults(page)).to_contain_text("Device-code endpoint: 500")
    expect(faults(page)).to_contain_text("met 0 of 2 times")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Set fault")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past what opens "Only some requests"
    expect(page.get_by_role("button", name="Heal Device-code endpoint: 500")).to_be_focused()
    page.keyboard.press("Enter")
    expect(faults(page)).to_have_count(0)


def test_a_fault_ends_by_itself(page: Page, caller: Caller) -> None:
    page.goto(caller.e.control_room_url)
    page.get_by_label("For how long").select_option("Requests")
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Set fault").click()
    expect(faults(page)).to_have_count(1)
    assert [caller.token().status_code for _ in range(3)] == [503, 503, 200]
    expect(faults(page)).to_have_count(0)
    page.get_by_label("For how long").select_option("Seconds")
    page.get_by_label("How many").fill("200")
    page.get_by_role("button", name="Set fault").click()
    expect(faults(page)).to_contain_text("3 min")
    page.get_by_role("button", name="+5 min").click()
    expect(faults(page)).to_have_count(0)


def test_a_fault_for_some_requests_only(page: Page, caller: Caller) -> None:
    other = caller.e.register_application()
    form = {"client_id": other.client_id, "client_secret": other.client_secret}
    page.goto(caller.e.control_room_url)
    page.get_by_text("Only some requests").press("Enter")
    page.get_by_label("Share of requests, in percent").fill("50")
    page.get_by_label("Client", exact=True).fill(other.client_id)
    page.get_by_label("Tenant").fill(caller.e.tenant_id)
    page.get_by_label("Scope or resource").fill(caller.e.h2ogpte_scope)
    expect(page.locator("#only-which")).to_have_text(": 50%, one tenant, one client, one scope")
    page.keyboard.press("Enter")
    expect(faults(page)).to_contain_text("only 50% of requests, tenant")
    expect(faults(page)).to_contain_text("client Another application")
    assert [caller.token(**form).status_code for _ in range(4)] == [200, 503, 200, 503]
    assert [caller.token().status_code for _ in range(2)] == [200, 200]
    elsewhere = caller.token(scope="https://graph.microsoft.com/.default", **form)
    assert elsewhere.status_code == 200
    expect(faults(page)).to_contain_text("met 2 times")
    page.get_by_label("Share of requests, in percent").fill("0")
    page.get_by_text("Only some requests").press("Enter")
    page.get_by_role("button", name="Set fault").click()
    expect(page.get_by_label("Share of requests, in percent")).to_be_visible()  # what is wrong is shown
    expect(faults(page)).to_have_count(1)


def test_everything_is_healed(page: Page, e: Emulator) -> None:
    e.fail("token")
    e.fail("imds", fault="refuse")
    page.goto(e.control_room_url)
    expect(faults(page)).to_have_count(2)
    page.get_by_role("button", name="Heal all").click()
    expect(faults(page)).to_have_count(0)


def test_what_cannot_be_is_said(page: Page, e: Emulator) -> None:
    page.goto(e.control_room_url)
    page.get_by_label("How", exact=True).select_option("Connection refused")
    page.get_by_label("For how long").select_option("Requests")
    page.get_by_role("button", name="Set fault").click()
    expect(page.get_by_role("alert")).to_contain_text("a refused connection carries no request")
    expect(faults(page)).to_have_count(0)


def test_time_passes_and_tokens_expire(page: Page, caller: Caller) -> None:
    token = caller.access_token()
    page.goto(caller.e.control_room_url)
    expect(alive(page)).to_contain_text("59 min")
    page.get_by_role("button", name="+5 min").click()
    expect(alive(page)).to_contain_text("54 min")
    page.get_by_role("button", name="Expire everything now").click()
    expect(page.get_by_text("No token is alive.")).to_be_visible()
    answer = caller.http.post(
        f"{caller.e.h2ogpte_url}/rpc/db", json=[], headers={"Authorization": f"Bearer-Token {token}"}
    )
    assert answer.status_code == 401
    expect(page.locator("#refused")).to_have_text("1")


def test_a_code_is_answered_from_the_control_room(page: Page, caller: Caller) -> None:
    code = caller.device_code()
    page.goto(caller.e.control_room_url)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=f"Answer the code {code['user_code']}").click()
    opened.value.get_by_role("button", name="Approve").click()
    expect(opened.value.get_by_role("status")).to_be_visible()
    expect(page.get_by_text("Nobody waits to sign in.")).to_be_visible()
    assert error_of(caller, code) is None


def test_it_stands_still_when_told(page: Page, caller: Caller) -> None:
    page.clock.install()
    page.goto(caller.e.control_room_url)
    expect(page.get_by_text("No request yet.")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    caller.token()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(10_000)  # it looks every second
    assert asked == []
    expect(page.get_by_text("No request yet.")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(alive(page)).to_have_count(1)


def test_an_emulator_that_has_ended_is_missed(page: Page, e: Emulator) -> None:
    page.goto(e.control_room_url)
    expect(page.get_by_text("No request yet.")).to_be_visible()
    e.stop()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")


def test_rows_keep_the_focus_while_others_come(page: Page, caller: Caller) -> None:
    caller.e.fail("imds")
    page.goto(caller.e.control_room_url)
    heal = page.get_by_role("button", name="Heal IMDS: 503")
    heal.focus()
    caller.e.fail("arc", seconds=1000)
    caller.token()
    expect(faults(page)).to_have_count(2)
    expect(alive(page)).to_have_count(1)
    expect(heal).to_be_focused()


def test_another_site_can_do_nothing(page: Page, e: Emulator) -> None:
    page.goto(f"{e.authority}/device")
    # A page without a policy of its own, as any site's is.
    page.route("https://elsewhere.localhost/", lambda route: route.fulfill(body="<title>elsewhere</title>"))
    page.goto("https://elsewhere.localhost/")
    tried = page.evaluate(
        """async (room) => {
          const body = JSON.stringify({target: '*', what: '503', lasts: 'healed', seconds: 9000});
          const attempt = (...of) => fetch(...of).then(() => 'fulfilled', () => 'rejected');
          const tried = [
            attempt(room), attempt(`${room}room/state`),
            ...['fail', 'advance', 'expire'].map((name) =>
              attempt(`${room}room/${name}`, {method: 'POST', body, headers: {'X-Emulator-Page': 'guessed'}})),
          ];
          await fetch(`${room}room/fail`, {method: 'POST', body, mode: 'no-cors'}).catch(() => null);
          return await Promise.all(tried);
        }""",
        e.control_room_url,
    )
    assert tried == ["rejected"] * 5
    assert e._world.faults.snapshot() == []


# All of them.


def busy(caller: Caller) -> dict[str, str]:
    """An address of each page, with something to show."""
    e = caller.e
    caller.token()
    caller.token(scope="https://a-rather-long-name-of-an-application-programming-interface.example.com/.default")
    e.fail("token", error="invalid_client", seconds=4000)
    e.fail("managed_identity", fault="foreign_endpoint")
    code = caller.device_code()["user_code"]
    return {
        "control room": e.control_room_url,
        "code": f"{e.authority}/device",
        "wrong code": f"{e.authority}/device?code=NOSUCHONE",
        "question": f"{e.authority}/device?code={code}",
        "sign-in": authorize(e),
    }


@pytest.mark.parametrize(
    "page", [{"viewport": {"width": 400, "height": 640}, "is_mobile": True, "has_touch": True}], ids=[""], indirect=True
)
def test_a_phone_is_wide_enough(page: Page, caller: Caller) -> None:
    for name, address in busy(caller).items():
        page.goto(address)
        if name == "control room":
            expect(alive(page)).to_have_count(2)
            page.get_by_text("Addresses and ids").click()
            page.get_by_label("For how long").select_option("Seconds")
            page.get_by_text("Only some requests").click()
        for width in (400, 360, 320):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("innerWidth") == width, name
            assert page.evaluate(OVERFLOW) == 0, (name, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(page: Page, caller: Caller, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    for name, address in busy(caller).items():
        page.goto(address)
        if name == "control room":
            expect(alive(page)).to_have_count(2)
            page.get_by_role("button", name="Pause").click()
            page.get_by_text("Only some requests").click()
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(243, 244, 246)", "dark": "rgb(13, 17, 23)"}[scheme]
        assert page.evaluate(FAINT) == [], name


def test_everything_has_a_name_and_shows_its_focus(page: Page, caller: Caller) -> None:
    for name, address in busy(caller).items():
        page.goto(address)
        if name == "control room":
            expect(alive(page)).to_have_count(2)
            page.get_by_text("Only some requests").click()
            page.locator("body").click(position={"x": 1, "y": 1})
        assert page.evaluate(NAMELESS) == [], name
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids)), name
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", name
