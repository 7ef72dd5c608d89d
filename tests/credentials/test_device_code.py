from __future__ import annotations

import asyncio
import base64
import json
import pickle
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.device_code import DeviceCode, DeviceCodePrompt
from entra_tokens.engine.clock import Signal
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    InteractionRequired,
    InvalidCredential,
)
from entra_tokens.provider import TokenProvider
from entra_tokens.request import TokenRequest
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable

ASK = TokenRequest(("api://app/.default",))
DEVICE = "DEVICE-CODE-secret"
RENEWAL = "RENEWAL-1-secret"


@dataclass
class Clock:
    """Time that passes only in sleeps."""

    now: float = 1_000_000.0
    slept: list[float] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def wall(self) -> float:
        return self.now

    boot = wall

    def uniform(self, low: float, high: float) -> float:
        return low

    def sleep(self, seconds: float, wake: Signal) -> bool:
        self.slept.append(seconds)
        self.now += seconds
        self.then()
        return wake.is_set()


def code(**more: Any) -> stub.Reply:
    body = {
        "device_code": DEVICE,
        "user_code": "LSRGHM4XQ",
        "verification_uri": "https://microsoft.com/devicelogin",
        "expires_in": 900,
        "interval": 5,
        "message": "Go and enter LSRGHM4XQ",
    }
    return stub.Reply(body={**body, **more})


def error(name: str, status: int = 400, **more: Any) -> stub.Reply:
    return stub.Reply(status, {"error": name, **more})


PENDING = error("authorization_pending", error_codes=[70016])


def id_token(**claims: str) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.sig"


def signed_in(**more: Any) -> stub.Reply:
    return stub.granted(**{"refresh_token": RENEWAL, "id_token": id_token(preferred_username="ada@x.example"), **more})


@dataclass
class Place:
    """A credential, its surroundings, and what it showed."""

    entra: stub.Service
    ca: str
    clock: Clock = field(default_factory=Clock)
    shown: list[DeviceCodePrompt] = field(default_factory=list)
    sign_ins: dict[tuple[str, ...], Any] = field(default_factory=dict)
    told: list[float] = field(default_factory=list)
    abandoned: Signal = field(default_factory=Signal)

    def credential(self, **options: Any) -> DeviceCode:
        given = {"prompt": self.shown.append, "authority": self.entra.url, "verify": self.ca}
        return DeviceCode("client-1", **{**given, **options})

    def acquire(self, credential: DeviceCode, request: TokenRequest = ASK, *, may_prompt: bool = True) -> str:
        around = Acquiring(
            self.clock,
            may_prompt=may_prompt,
            abandoned=self.abandoned,
            on_prompt=self.told.append,
            sign_ins=self.sign_ins,
        )
        with acquiring(around):
            return credential.acquire(request)


@pytest.fixture
def place(entra: stub.Service, ca: str) -> Place:
    entra.on("/devicecode", code())
    entra.on("/token", PENDING, signed_in())
    return Place(entra, ca)


def test_a_person_signs_in(place: Place) -> None:
    assert place.acquire(place.credential()) == "access-token"
    (shown,) = place.shown
    assert shown.user_code == "LSRGHM4XQ"
    assert shown.verification_uri == "https://microsoft.com/devicelogin"
    assert shown.expires_on == 1_000_900.0
    assert place.told == [1_000_900.0]
    assert place.clock.slept == [5, 5]
    asked = place.entra.seen("/devicecode")[0].form
    assert set(asked["scope"].split()) == {"api://app/.default", "openid", "profile", "offline_access"}
    polls = place.entra.seen("/token")
    assert [poll.form["device_code"] for poll in polls] == [DEVICE, DEVICE]


def test_the_sign_in_renews_without_a_person(place: Place) -> None:
    one = place.credential()
    place.acquire(one)
    place.entra.on("/token", signed_in(refresh_token="RENEWAL-2-secret"), signed_in(refresh_token=None))
    for _ in range(3):
        place.acquire(one, may_prompt=False)
    used = [r.form.get("refresh_token") for r in place.entra.seen("/token")[2:]]
    assert used == [RENEWAL, "RENEWAL-2-secret", "RENEWAL-2-secret"]
    assert len(place.shown) == 1


def test_another_scope_uses_the_same_sign_in(place: Place) -> None:
    one = place.credential()
    place.acquire(one)
    place.acquire(one, TokenRequest(("api://other/.default",)))
    assert len(place.shown) == 1
    assert "api://other/.default" in place.entra.seen("/token")[-1].form["scope"].split()


def test_an_equal_credential_uses_the_same_sign_in(place: Place) -> None:
    place.acquire(place.credential())
    place.acquire(place.credential())
    assert len(place.shown) == 1


def test_not_remembered_is_kept_by_the_object_alone(place: Place) -> None:
    one = place.credential(remember=False)
    place.acquire(one)
    place.acquire(one)
    assert len(place.shown) == 1
    assert not place.sign_ins
    assert one != place.credential(remember=False)


@pytest.mark.parametrize("options", [{}, {"interactive": False}])
def test_nobody_is_asked_in_the_background(place: Place, options: dict[str, Any]) -> None:
    with pytest.raises(InteractionRequired, match="login"):
        place.acquire(place.credential(**options), may_prompt=bool(options))
    assert not place.entra.requests


def test_a_revoked_sign_in_is_forgotten(place: Place) -> None:
    one = place.credential()
    place.acquire(one)
    place.entra.on("/token", error("invalid_grant", suberror="bad_token", error_codes=[50173]))
    with pytest.raises(InteractionRequired) as caught:
        place.acquire(one, may_prompt=False)
    assert caught.value.codes == (50173,)
    assert not place.sign_ins
    place.entra.on("/token", signed_in())
    place.acquire(one)
    assert len(place.shown) == 2


def test_any_invalid_grant_asks_the_person_again(place: Place) -> None:
    one = place.credential()
    place.acquire(one)
    place.entra.on("/token", error("invalid_grant"), signed_in())
    assert place.acquire(one) == "access-token"
    assert len(place.shown) == 2


@pytest.mark.parametrize("suberror", ["basic_action", "additional_action", "message_only"])
def test_what_is_refused_for_one_api_alone_forgets_nobody(place: Place, suberror: str) -> None:
    """A second factor for this API, a policy against it: the sign-in is as good as before for all others."""
    one = place.credential()
    place.acquire(one)
    place.entra.on("/token", error("invalid_grant", suberror=suberror, error_codes=[50076]), stub.granted())
    with pytest.raises(InteractionRequired) as caught:
        place.acquire(one, may_prompt=False)
    assert caught.value.suberror == suberror
    assert place.acquire(one, TokenRequest(("api://other/.default",)), may_prompt=False) == "access-token"
    assert len(place.shown) == 1


@pytest.mark.parametrize("answer", [stub.Reply(503, b""), error("invalid_grant", error_codes=[50196])])
def test_an_outage_does_not_ask_and_does_not_forget(place: Place, answer: stub.Reply) -> None:
    """Nor does a loop that Entra stopped, which comes as the same `invalid_grant` as the end of a sign-in."""
    one = place.credential()
    place.acquire(one)
    place.entra.on("/token", answer)
    with pytest.raises(AuthorityUnavailable):
        place.acquire(one)
    assert len(place.shown) == 1
    assert place.sign_ins


def test_slow_down_adds_five_seconds_for_good(place: Place) -> None:
    place.entra.on("/token", PENDING, error("slow_down"), PENDING, signed_in())
    place.acquire(place.credential())
    assert place.clock.slept == [5, 5, 10, 10]


@pytest.mark.parametrize(
    "fault", ["reset", stub.Reply(503, b"<html>"), stub.Reply(200, b""), stub.Reply(429, b"x", {"Retry-After": "20"})]
)
def test_a_failed_poll_does_not_end_it(place: Place, fault: Any) -> None:
    reply = stub.Reply(act=place.entra.reset) if fault == "reset" else fault
    place.entra.on("/token", reply, PENDING, signed_in())
    assert place.acquire(place.credential()) == "access-token"
    assert place.clock.slept == [5, 20 if reply.status == 429 else 5, 5]


@pytest.mark.parametrize("name", ["authorization_declined", "access_denied", "expired_token", "code_expired"])
def test_the_person_may_decline_or_be_late(place: Place, name: str) -> None:
    place.entra.on("/token", PENDING, error(name))
    with pytest.raises(InteractionRequired) as caught:
        place.acquire(place.credential())
    assert caught.value.error == name


def test_a_code_that_runs_out_is_polled_no_more(place: Place) -> None:
    place.entra.on("/devicecode", code(expires_in=12))
    place.entra.on("/token", PENDING)
    with pytest.raises(InteractionRequired, match="ran out"):
        place.acquire(place.credential())
    assert len(place.entra.seen("/token")) == 2


def test_an_abandoned_flow_stops_at_once(place: Place) -> None:
    place.entra.on("/token", PENDING)
    place.clock.then = lambda: place.abandoned.set() if len(place.clock.slept) == 2 else None
    with pytest.raises(InteractionRequired, match="nobody waits"):
        place.acquire(place.credential())
    assert len(place.entra.seen("/token")) == 1


def test_another_refusal_ends_it(place: Place) -> None:
    place.entra.on("/token", error("invalid_client", 401, error_codes=[7000218]))
    with pytest.raises(InvalidCredential, match="public client flows"):
        place.acquire(place.credential())


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error("unauthorized_client", error_codes=[700016]), InvalidCredential),
        (stub.Reply(503, b""), AuthorityUnavailable),
        (code(device_code=None), AuthorityUnavailable),
        (code(user_code="a\x1b[2J"), AuthorityUnavailable),
        (code(interval="soon"), AuthorityUnavailable),
    ],
)
def test_no_code(place: Place, reply: stub.Reply, kind: type[Exception]) -> None:
    place.entra.on("/devicecode", reply)
    with pytest.raises(kind):
        place.acquire(place.credential())
    assert not place.shown


def test_texts_for_numbers_are_understood(place: Place) -> None:
    place.entra.on("/devicecode", code(interval="2", expires_in="60"))
    place.acquire(place.credential())
    assert place.clock.slept == [2, 2]


def test_a_coroutine_function_prompts_off_the_loop(place: Place) -> None:
    shown: list[DeviceCodePrompt] = []

    async def prompt(given: DeviceCodePrompt) -> None:
        await asyncio.sleep(0)
        shown.append(given)

    place.acquire(place.credential(prompt=prompt))
    assert len(shown) == 1

    async def inside() -> None:
        place.sign_ins.clear()
        place.acquire(place.credential(prompt=prompt))

    asyncio.run(inside())
    assert len(shown) == 2


def test_tasks_of_a_loop_share_one_code_and_the_loop_goes_on(place: Place) -> None:
    """Asynchronously too, which azure-identity has not: one prompt, and nothing stands still while the person types."""
    place.entra.on("/devicecode", code(interval=0.05))
    place.entra.on("/token", PENDING, PENDING, signed_in())

    async def turn(done: asyncio.Event) -> int:
        turns = 0
        while not done.is_set():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    async def main() -> None:
        done = asyncio.Event()
        turning = asyncio.ensure_future(turn(done))
        async with TokenProvider(place.credential(remember=False), ASK.scopes[0]).as_async() as provider:
            tokens = await asyncio.gather(*(provider.token() for _ in range(8)))
        done.set()
        assert len(set(map(id, tokens))) == 1
        assert await turning > 10

    with fresh_engine():
        asyncio.run(main())
    assert len(place.shown) == 1


def test_a_prompt_that_raises_ends_it(place: Place) -> None:
    def prompt(given: DeviceCodePrompt) -> None:
        raise KeyError("no screen")

    with pytest.raises(AuthenticationFailed, match="KeyError") as caught:
        place.acquire(place.credential(prompt=prompt))
    assert isinstance(caught.value.__cause__, KeyError)


def test_without_a_prompt_the_message_goes_to_stderr(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.entra.on("/devicecode", code(message="Go \x1b[31m there"))
    place.acquire(place.credential(prompt=None))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Go  [31m there\n")


def test_the_prompt_hides_its_code() -> None:
    shown = DeviceCodePrompt("USERCODE", "https://x", 1.0, "enter USERCODE")
    assert "USERCODE" not in repr(shown)
    with pytest.raises(AttributeError):
        shown.user_code = "x"  # type: ignore[misc]


def test_only_the_account_asked_for_will_do(place: Place) -> None:
    with pytest.raises(InteractionRequired, match=r"ada@x\.example"):
        place.acquire(place.credential(account="eve@x.example"))
    assert not place.sign_ins
    place.entra.on("/token", signed_in())
    assert place.acquire(place.credential(account="Ada@x.example")) == "access-token"


def test_two_flights_show_one_code(place: Place) -> None:
    """Both scopes are cold: the second waits for the person that the first one asks."""
    one = place.credential()
    second_told = threading.Event()
    tokens: list[str] = []

    def second() -> None:
        around = Acquiring(place.clock, on_prompt=lambda until: second_told.set(), sign_ins=place.sign_ins)
        with acquiring(around):
            tokens.append(one.acquire(TokenRequest(("api://other/.default",))))

    thread = threading.Thread(target=second)

    def prompt(given: DeviceCodePrompt) -> None:
        place.shown.append(given)
        thread.start()
        assert second_told.wait(30)  # it was told how long the person may take

    one = place.credential(prompt=prompt)
    tokens.append(place.acquire(one))
    thread.join()
    assert tokens == ["access-token"] * 2
    assert len(place.shown) == 1


@pytest.mark.parametrize(
    "bad",
    [{"tenant_id": "a b"}, {"prompt": "x"}, {"account": " "}, {"authority": "http://x"}, {"timeout": 0}],
    ids=str,
)
def test_bad_input(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        DeviceCode("c", **bad)
    with pytest.raises(TypeError):
        DeviceCode("c", promt=print)  # type: ignore[call-arg]


def test_it_pickles_with_its_options() -> None:
    one = DeviceCode("c", "t.example", account="a", interactive=False, verify=False, prompt=print)
    two = pickle.loads(pickle.dumps(one))
    assert two == one
    assert two.interactive is False
    assert two._prompt is print


def test_login_is_shared_through_the_engine(place: Place) -> None:
    from entra_tokens import TokenProvider
    from entra_tokens.testing import fresh_engine

    with fresh_engine():
        place.entra.on("/devicecode", code(interval=0.05))
        place.entra.on("/token", signed_in())
        one = place.credential()
        token = one.login("api://app")
        assert token == "access-token"
        assert len(place.entra.seen("/token")) == 1
        with TokenProvider(place.credential(), "api://app") as provider:
            assert provider.token() == token
        assert len(place.entra.seen("/token")) == 1
        place.entra.on("/token", signed_in(access_token="as somebody else".replace(" ", "-")))
        assert one.login("api://app") == "as-somebody-else"
        assert len(place.shown) == 2
        with TokenProvider(place.credential(), "api://app") as provider:
            assert provider.token() == "as-somebody-else"
