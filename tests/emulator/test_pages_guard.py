"""The control room as a script sees it: whom it obeys, and what it never tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from entra_tokens.emulator.control_room_faults import TARGET_OPTIONS, WHAT_OPTIONS
from entra_tokens.emulator.faults import GROUPS, KINDS, TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

    from .conftest import Caller


class Room:
    """The page and its key, without a browser."""

    def __init__(self, emulator: Emulator) -> None:
        self.http = httpx.Client(base_url=emulator.control_room_url, trust_env=False, timeout=10)
        self.page = self.http.get("/")
        (self.key,) = re.findall(r'KEY = "([^"]+)"', self.page.text)

    def call(self, name: str, content: Any = None, **headers: str) -> httpx.Response:
        method = "GET" if content is None else "POST"
        return self.http.request(
            method, f"/room/{name}", json=content, headers={"X-Emulator-Page": self.key, **headers}
        )

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.call("state").json()
        return state


@pytest.fixture
def room(e: Emulator) -> Iterator[Room]:
    made = Room(e)
    yield made
    made.http.close()


def test_it_shows_what_goes_on(e: Emulator, caller: Caller, room: Room) -> None:
    assert room.state()["tokens"] == {"count": 0, "alive": 0, "newest": []}
    caller.token()
    code = caller.device_code()
    e.fail("imds", fault="hang", seconds=30)
    state = room.state()
    shown = [request["what"] for request in state["requests"]["newest"]]
    assert shown == ["Device-code endpoint", "client credentials"]
    assert (state["requests"]["count"], state["requests"]["tokens"]) == (2, 1)
    (token,) = state["tokens"]["newest"]
    assert token["client"] == "Emulated application"
    assert 3590 < token["left"] <= 3600
    assert [waiting["key"] for waiting in state["codes"]] == [code["user_code"]]
    (fault,) = state["faults"]
    assert (fault["who"], fault["what"], fault["met"]) == ("IMDS", "hang", 0)
    assert 29 < fault["left"] <= 30


def test_it_tells_no_secret(e: Emulator, caller: Caller, room: Room) -> None:
    token = caller.access_token()
    code = caller.device_code()
    caller.http.post(f"{e.h2ogpte_url}/rpc/db", json=[], headers={"Authorization": f"Bearer-Token {token}"})
    told = room.page.text + room.call("state").text
    for secret in (token, e.client_secret, e.control_secret, code["device_code"]):
        assert secret not in told


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Emulator-Page": ""}, 403),
        ({"X-Emulator-Page": "guessed"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "rebound.example"}, 421),
    ],
)
@pytest.mark.parametrize("name", ["state", "fail", "heal", "advance", "expire"])
def test_it_obeys_its_own_page_only(room: Room, e: Emulator, headers: dict[str, str], status: int, name: str) -> None:
    before = e.now()
    content = None if name == "state" else {"target": "token", "what": "503", "lasts": "healed", "seconds": 9000}
    assert room.call(name, content, **headers).status_code == status
    assert e.now() - before < 9000
    assert room.state()["faults"] == []


def test_a_key_opens_nothing_else(e: Emulator, room: Room) -> None:
    answer = room.http.get("/_emulator/requests", headers={"X-Emulator-Secret": room.key})
    assert answer.status_code == 403
    assert room.http.get("/room/state", headers={"X-Emulator-Page": e.control_secret}).status_code == 403


def test_a_foreign_host_is_not_shown_the_page(room: Room) -> None:
    assert room.http.get("/", headers={"Host": "rebound.example"}).status_code == 421


def test_the_page_loads_nothing_and_is_framed_by_nobody(room: Room) -> None:
    policy = room.page.headers["content-security-policy"]
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert room.page.text.count(f'nonce="{nonce}"') == 2
    assert not re.search(r"""\ssrc=|url\(|@import|href="h|https?://(?!localhost)""", room.page.text)
    assert "{{" not in room.page.text
    assert room.http.get("/").headers["content-security-policy"] != policy


def test_the_hundredth_and_first_page_closes_the_first(room: Room) -> None:
    for _ in range(99):
        room.http.get("/")
    assert room.call("state").status_code == 200
    room.http.get("/")
    assert room.call("state").json()["error"] == "This page is not known here any more: load it again."


def test_every_target_and_kind_has_a_switch(e: Emulator, room: Room) -> None:
    targets = re.findall(r'<option value="([^"]+)"', TARGET_OPTIONS)
    what = re.findall(r'<option value="([^"]+)"', WHAT_OPTIONS)
    assert set(targets) == {*TARGETS, *GROUPS}
    assert set(KINDS) <= set(what)
    for target in targets:
        for how in what:
            content = {"target": target, "what": how, "lasts": "seconds", "amount": 60}
            assert room.call("fail", content).status_code == 200, content
    assert len(room.state()["faults"]) == len(targets) * len(what)
    room.call("heal", {})
    assert room.state()["faults"] == []


@pytest.mark.parametrize(
    "content",
    [
        {"target": "moon", "what": "503", "lasts": "healed"},
        {"target": "token", "what": "", "lasts": "healed"},
        {"target": "token", "what": "503", "lasts": "long"},
        {"target": "token", "what": "503", "lasts": "times", "amount": 0},
        {"target": "token", "what": "503", "lasts": "times", "amount": "many"},
        {"target": "token", "what": "refuse", "lasts": "times", "amount": 1},
        {"target": "token", "what": "refuse", "lasts": "healed", "client_id": "somebody"},
        {"target": "token", "what": "503", "lasts": "healed", "share": 101},
        {"target": "token", "what": "503", "lasts": "healed", "share": -1},
        {"target": "token", "what": "503", "lasts": "healed", "share": "half"},
        [],
    ],
)
def test_a_switch_that_is_none_is_refused(room: Room, content: Any) -> None:
    answer = room.call("fail", content)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert room.state()["faults"] == []


def test_one_fault_is_healed_and_the_others_stay(e: Emulator, room: Room) -> None:
    kept, ended = e.fail("token"), e.fail("imds")
    (key,) = [fault["key"] for fault in room.state()["faults"] if fault["who"] == "IMDS"]
    room.call("heal", {"key": key})
    assert ended.healed.is_set()
    assert not kept.healed.is_set()


@pytest.mark.parametrize("seconds", [-1, 1e12, "soon", float("inf")])
def test_time_moves_forward_and_not_for_ever(e: Emulator, room: Room, seconds: Any) -> None:
    before = e.now()
    content = b'{"seconds": Infinity}' if seconds == float("inf") else None
    headers = {"X-Emulator-Page": room.key}
    if content:
        answer = room.http.post("/room/advance", content=content, headers=headers)
    else:
        answer = room.call("advance", {"seconds": seconds})
    assert answer.status_code == 400
    assert e.now() - before < 60


def test_everything_expires(e: Emulator, caller: Caller, room: Room) -> None:
    e.lifetime = 90_000
    caller.token()
    e.lifetime = 60
    caller.token()
    assert room.state()["tokens"]["alive"] == 2
    room.call("expire", {})
    assert room.state()["tokens"] == {"count": 2, "alive": 0, "newest": []}
    before = e.now()
    room.call("expire", {})
    assert e.now() - before < 60


def test_a_device_code_is_answered_without_a_certificate(caller: Caller, room: Room) -> None:
    code = caller.device_code()
    page = room.http.get("/device", params={"code": code["user_code"]})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    assert room.http.post("/device", data={**fields, "answer": "approve"}).status_code == 200
    assert "access_token" in caller.poll(code["device_code"]).json()
