from __future__ import annotations

import asyncio
import http.client
import pickle
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from entra_tokens.acquiring import Acquiring, SignIns, acquiring
from entra_tokens.credentials.device_code import DeviceCode
from entra_tokens.credentials.interactive_browser import InteractiveBrowser
from entra_tokens.engine.clock import Signal
from entra_tokens.engine.engine import Engine, current_engine, use_engine
from entra_tokens.errors import AuthenticationFailed, ConfigurationError, CredentialUnavailable, InteractionRequired
from entra_tokens.provider import TokenProvider
from entra_tokens.request import TokenRequest
from entra_tokens.stores.file import FileStore
from entra_tokens.stores.sign_ins import SignInFiles
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from pathlib import Path

    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))


@pytest.fixture
def client_id(e: Emulator) -> str:
    return e.register_application("For people", public=True).client_id


@pytest.fixture
def make(e: Emulator, client_id: str) -> Any:
    def made(opener: Any, **options: Any) -> InteractiveBrowser:
        options = {"remember": False, "authority": e.authority, "verify": e.ca_file, **options}
        return InteractiveBrowser(client_id, e.tenant_id, opener=opener, **options)

    return made


def returned(address: str, *, method: str = "POST", **fields: str) -> int:
    """What the browser brings back to the application, and what that says."""
    query = parse_qs(urlsplit(address).query)
    port = urlsplit(query["redirect_uri"][0]).port
    connection = http.client.HTTPConnection("127.0.0.1", port or 0, timeout=10)
    try:
        get = method == "GET"
        path, body = ("/?" + urlencode(fields), None) if get else ("/", urlencode(fields))
        connection.request(method, path, body, {"Host": f"localhost:{port}"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_sign_in_and_its_renewal(e: Emulator, make: Any) -> None:
    shown: list[str] = []

    def opener(address: str) -> bool:
        shown.append(address)
        return e.browse(address)

    one = make(opener)
    token = one.acquire(ASK)
    assert token.claims()["oid"]
    query = parse_qs(urlsplit(shown[0]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"][0].startswith("http://localhost:")
    assert query["state"]
    assert e.token_requests[-1].form["code_verifier"]
    one.acquire(ASK)
    assert len(shown) == 1
    assert [record.grant for record in e.token_requests] == ["authorization_code", "refresh_token"]


def test_the_provider_asks_once(e: Emulator, make: Any) -> None:
    shown: list[str] = []
    one = make(lambda address: (shown.append(address), e.browse(address))[1])
    with fresh_engine(), TokenProvider(one, ASK.scopes[0]) as provider:
        assert provider.token() == provider.token()
    assert len(shown) == 1


def test_tasks_of_a_loop_ask_once(e: Emulator, make: Any) -> None:
    """Asynchronously too, which azure-identity has not."""
    shown: list[str] = []
    one = make(lambda address: (shown.append(address), e.browse(address))[1])

    async def main() -> int:
        async with TokenProvider(one, ASK.scopes[0]).as_async() as provider:
            return len(set(await asyncio.gather(*(provider.token() for _ in range(8)))))

    with fresh_engine():
        assert asyncio.run(main()) == 1
    assert len(shown) == 1


@pytest.mark.filterwarnings("ignore:The key that seals")
def test_a_sign_in_survives_its_process_and_accounts_are_side_by_side(e: Emulator, make: Any, tmp_path: Path) -> None:
    shown: list[str] = []

    def opener(address: str) -> bool:
        shown.append(address)
        return e.browse(address, parse_qs(urlsplit(address).query).get("login_hint", [None])[0])

    def process(**options: Any) -> InteractiveBrowser:
        """From here on another process, which has the files of the one before."""
        use_engine(Engine(sign_ins=SignIns(lambda: SignInFiles(FileStore(tmp_path / "store")))))
        return make(opener, remember=True, **options)

    def asked(one: InteractiveBrowser | DeviceCode) -> str:
        return TokenProvider(one, ASK.scopes[0]).token().claims()["oid"]

    with fresh_engine():
        names = [e.register_user(f"{name}@example.com").user.username for name in ("browser-ada", "browser-eve")]
        ada, eve = (asked(process(account=name)) for name in names)
        assert ada != eve
        assert [asked(process(account=name, interactive=False)) for name in names] == [ada, eve]
        assert asked(process(interactive=False)) == eve, "whoever signed in last"
        one = process(account=names[0], interactive=False)
        current_engine().advance(90 * 86400)
        assert asked(one) == ada, "by silent renewal"
        assert len(shown) == 2
        assert [record.grant for record in e.token_requests[2:]] == ["refresh_token"] * 4
        # However it was made, it serves every credential of that application; login() asks whoever is signed in.
        code = DeviceCode(one.client_id, e.tenant_id, interactive=False, authority=e.authority, verify=e.ca_file)
        assert asked(code) == eve
        assert process().login(ASK.scopes[0])
        assert len(shown) == 3


def test_background_renewal_never_opens_a_browser(make: Any) -> None:
    one = make(lambda address: pytest.fail("opened"))
    with acquiring(Acquiring(may_prompt=False)), pytest.raises(InteractionRequired):
        one.acquire(ASK)
    with pytest.raises(InteractionRequired):
        make(lambda address: pytest.fail("opened"), interactive=False).acquire(ASK)


def test_the_person_declines(e: Emulator, make: Any) -> None:
    with pytest.raises(InteractionRequired, match="declined"):
        make(lambda address: e.browse(address, decline=True)).acquire(ASK)


def test_an_answer_with_another_state_is_nobodys(e: Emulator, make: Any) -> None:
    said: list[int] = []

    def opener(address: str) -> bool:
        said.append(returned(address, code="MARKER", state="forged"))
        said.append(returned(address, method="GET", error="access_denied"))
        said.append(returned(address, code="MARKER"))
        return e.browse(address)

    assert make(opener).acquire(ASK)
    assert said == [404, 404, 404]
    assert [record.grant for record in e.token_requests] == ["authorization_code"]


def test_an_error_in_the_answer_and_a_bad_code(make: Any) -> None:
    def state(address: str) -> str:
        return parse_qs(urlsplit(address).query)["state"][0]

    with pytest.raises(AuthenticationFailed, match="AADSTS650"):
        make(
            lambda address: returned(
                address, state=state(address), error="invalid_request", error_description="AADSTS650053: no such scope"
            )
        ).acquire(ASK)
    with pytest.raises(AuthenticationFailed) as caught:
        make(lambda address: returned(address, state=state(address), code="MARKER-code")).acquire(ASK)
    assert "MARKER" not in str(caught.value)


def test_nobody_signs_in(make: Any) -> None:
    with pytest.raises(InteractionRequired, match=r"within 0\.2 s"):
        make(lambda address: True, sign_in_timeout=0.2).acquire(ASK)
    left = Signal()
    opened = threading.Event()

    def opener(address: str) -> None:
        opened.set()
        left.set()

    with acquiring(Acquiring(abandoned=left)), pytest.raises(InteractionRequired, match="nobody waits"):
        make(opener).acquire(ASK)
    assert opened.is_set()


def test_no_browser(make: Any) -> None:
    with pytest.raises(
        CredentialUnavailable, match=r"DeviceCode.* See docs/troubleshooting.md#device-code-and-browser"
    ):
        make(lambda address: False).acquire(ASK)

    def choke(address: str) -> bool:
        raise RuntimeError(address)

    with pytest.raises(AuthenticationFailed, match="RuntimeError") as caught:
        make(choke).acquire(ASK)
    assert "state" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_who_waits_may_wait_as_long_as_the_person_has(e: Emulator, make: Any) -> None:
    told: list[float] = []
    around = Acquiring(on_prompt=told.append)
    with acquiring(around):
        make(e.browse, sign_in_timeout=100).acquire(ASK)
    assert told == [pytest.approx(around.clock.wall() + 100, abs=30)]


def opener_of_a_module(address: str) -> bool:
    return False


def test_identity_pickling_and_input() -> None:
    one = InteractiveBrowser("c", opener=opener_of_a_module, sign_in_timeout=7, account="me@example.com")
    copied = pickle.loads(pickle.dumps(one))
    assert copied == one == InteractiveBrowser("c", account="me@example.com")
    assert one != InteractiveBrowser("c")
    for bad in ({"opener": "x"}, {"sign_in_timeout": 0}, {"account": ""}, {"tenant_id": "a/b"}):
        with pytest.raises(ConfigurationError):
            InteractiveBrowser("c", **bad)  # type: ignore[arg-type]
