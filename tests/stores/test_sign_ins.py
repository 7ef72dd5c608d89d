"""Sign-ins that survive their process. A process is played by an engine with the files behind it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from credentials.test_device_code import code, error
from engine.faces import AsyncioFace, until
from entra_tokens import (
    DeviceCode,
    DeviceCodePrompt,
    EntraTokensError,
    FileStore,
    InteractionRequired,
    Token,
    TokenProvider,
)
from entra_tokens.acquiring import SignIns
from entra_tokens.engine.engine import Engine, use_engine
from entra_tokens.stores.sign_ins import SignInFiles, sign_in_files
from stores.kit import aside, run
from stores.test_nowhere import fill, mounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stores.test_nowhere import Disk

pytestmark = pytest.mark.filterwarnings("ignore:The key that seals")
SCOPE = "api://app/.default"


def answer(name: str = "ada", renewal: str = "R1-MARKER", **more: Any) -> stub.Reply:
    claims = {"preferred_username": f"{name.title()}@x.example", "oid": f"oid-{name}", "tid": "t"}
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    given = {"access_token": f"access-of-{name}", "refresh_token": renewal, "id_token": f"e30.{part}.sig", **more}
    return stub.granted(**{key: value for key, value in given.items() if value is not None})


@pytest.fixture
def entra() -> Iterator[stub.Service]:
    with stub.running(tls=True) as service:
        service.on("/devicecode", code(interval=0.01))
        service.on("/token", answer())
        yield service


@dataclass
class Person:
    """Somebody with a device code, a store, and processes to use them in."""

    entra: stub.Service
    ca: str
    folder: Path
    shown: list[DeviceCodePrompt] = field(default_factory=list)
    engine: Engine = field(default_factory=Engine)

    def process(self) -> None:
        """From here on another process."""
        self.engine = Engine(sign_ins=SignIns(lambda: SignInFiles(FileStore(self.folder))))

    def credential(self, **options: Any) -> DeviceCode:
        given = {"prompt": self.shown.append, "authority": self.entra.url, "verify": self.ca, "proxy": ""}
        return DeviceCode("client-1", **{**given, **options})

    def token(self, scope: str = SCOPE, store: FileStore | None = None, **options: Any) -> Token:
        return self.inside(lambda: TokenProvider(self.credential(**options), scope, store=store).token())

    def login(self, **options: Any) -> Token:
        return self.inside(lambda: self.credential(**options).login(SCOPE))

    def inside(self, call: Any) -> Any:
        replaced = use_engine(self.engine)
        try:
            return call()
        finally:
            use_engine(replaced)

    def used(self) -> list[str]:
        """The refresh tokens that were used, in order."""
        return [
            seen.form["refresh_token"]
            for seen in self.entra.seen("/token")
            if seen.form["grant_type"] == "refresh_token"
        ]

    @property
    def files(self) -> SignInFiles:
        return SignInFiles(FileStore(self.folder))


@pytest.fixture
def person(entra: stub.Service, tmp_path: Path, folder: Path) -> Person:
    made = Person(entra, stub.ca_file(tmp_path), folder)
    made.process()
    return made


def test_it_survives_its_process(person: Person) -> None:
    assert person.token() == "access-of-ada"
    for _ in range(3):
        person.process()
        assert person.token() == "access-of-ada"
    assert len(person.shown) == 1
    assert person.used() == ["R1-MARKER"] * 3


def test_it_survives_the_expiry_of_its_access_token(person: Person) -> None:
    person.entra.on("/token", answer(expires_in=60))
    person.token()
    person.engine.advance(3700)
    assert person.token() == "access-of-ada"
    person.process()
    person.engine.advance(90 * 86400)
    assert person.token(interactive=False) == "access-of-ada"
    assert len(person.shown) == 1


def test_what_came_last_is_used_by_every_process(person: Person) -> None:
    person.token()
    first = person.engine
    person.entra.on("/token", answer(renewal="R2-MARKER"), answer(renewal="R3-MARKER"), answer(renewal=None))
    person.process()
    person.token()
    person.token("api://other")
    person.engine = first
    person.token("api://third")
    person.process()
    person.token()
    assert person.used() == ["R1-MARKER", "R2-MARKER", "R3-MARKER", "R3-MARKER"]


def test_a_rotated_one_is_written_before_its_token_is_used(person: Person) -> None:
    """A token that is no good must not take the new refresh token with it."""
    person.token()
    person.process()
    person.entra.on("/token", answer(renewal="R2-MARKER", access_token="not\nprintable"))
    with pytest.raises(EntraTokensError):
        person.token()
    person.entra.on("/token", answer())
    person.process()
    person.token()
    assert person.used() == ["R1-MARKER", "R2-MARKER"]


def test_whoever_is_too_late_with_a_rotated_one_takes_the_next(person: Person) -> None:
    """The authority takes each refresh token once; another process used it a moment before."""
    person.token()
    slow = person.engine

    def rotated_meanwhile(handler: Any) -> None:
        kept = person.files.find(app(person))
        assert kept is not None
        person.files.write(app(person), type(kept)(**{**vars(kept), "renewal": "R2-MARKER"}), renewing="R1-MARKER")
        content = json.dumps({"error": "invalid_grant", "error_codes": [70043]}).encode()
        handler.send_response(400)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    person.entra.on("/token", stub.Reply(act=rotated_meanwhile), answer(renewal="R3-MARKER"))
    person.engine = slow
    assert person.token("api://other", interactive=False) == "access-of-ada"
    assert person.used() == ["R1-MARKER", "R2-MARKER"]
    assert len(person.shown) == 1


def app(person: Person) -> tuple[str, ...]:
    return person.entra.url, "organizations", "client-1", "verified"


def test_two_accounts_side_by_side(person: Person) -> None:
    person.token(account="ada@x.example")
    person.entra.on("/token", answer("eve", "E1-MARKER"))
    person.token(account="eve@x.example")
    assert len(person.shown) == 2
    person.process()
    person.entra.on("/token", answer("ada", "R2-MARKER"))
    assert person.token(account="Ada@X.example") == "access-of-ada"
    person.entra.on("/token", answer("eve", "E2-MARKER"))
    assert person.token(account="oid-eve") == "access-of-eve"
    assert person.used() == ["R1-MARKER", "E1-MARKER"]
    assert len(person.shown) == 2
    assert [each.username for each in person.files.accounts()] == ["Eve@x.example", "Ada@x.example"]


def test_without_a_choice_it_is_whoever_signed_in_last(person: Person) -> None:
    person.login(account="ada@x.example")
    person.entra.on("/token", answer("eve", "E1-MARKER"))
    person.login()
    person.entra.on("/token", answer("ada", "R2-MARKER"))
    person.process()
    person.token(account="ada@x.example")  # using it is not signing in
    person.process()
    person.entra.on("/token", answer("eve", "E2-MARKER"))
    assert person.token() == "access-of-eve"
    assert person.used() == ["R1-MARKER", "E1-MARKER"]


def test_a_process_stays_with_whom_it_began(person: Person) -> None:
    """Somebody signs in elsewhere: a job that runs does not become that person."""
    person.token()
    job = person.engine
    person.process()
    person.entra.on("/token", answer("eve", "E1-MARKER"))
    person.login()
    person.engine = job
    person.entra.on("/token", answer("ada", "R2-MARKER"))
    assert person.token("api://other") == "access-of-ada"
    assert person.used() == ["R1-MARKER"]
    person.process()
    person.entra.on("/token", answer("eve", "E2-MARKER"))
    assert person.token() == "access-of-eve"


def test_applications_and_tenants_have_their_own(person: Person) -> None:
    person.token()
    person.process()
    for options in ({"tenant_id": "other.example"}, {"verify": False}):
        with pytest.raises(InteractionRequired):
            person.token(interactive=False, **options)
    with pytest.raises(InteractionRequired):
        person.inside(
            lambda: TokenProvider(
                DeviceCode("client-2", authority=person.entra.url, verify=person.ca, interactive=False), SCOPE
            ).token()
        )
    assert not person.used()


def test_another_proxy_is_the_same_person(person: Person) -> None:
    person.token()
    person.process()
    kept = person.files.find(app(person))
    assert kept is not None
    behind = person.credential(proxy="http://127.0.0.1:1")
    around = SignIns(lambda: person.files)
    from entra_tokens.acquiring import Acquiring

    found = behind._remembered(Acquiring(sign_ins=around)).get()
    assert found is not None
    assert found.renewal == kept.renewal


def test_signed_out_is_signed_out_everywhere(person: Person) -> None:
    person.token()
    elsewhere = person.engine
    person.process()
    gone = FileStore(person.folder).forget("ADA@x.example")
    assert [each.username for each in gone] == ["Ada@x.example"]
    assert FileStore(person.folder).accounts() == ()
    for engine in (person.engine, elsewhere):
        person.engine = engine
        with pytest.raises(InteractionRequired):
            person.token("api://other", interactive=False)
    assert not person.used()


def test_a_renewal_that_was_under_way_does_not_sign_in_again(person: Person) -> None:
    person.token()

    def signed_out_meanwhile(handler: Any) -> None:
        FileStore(person.folder).forget()
        content = answer(renewal="R2-MARKER").body
        data = json.dumps(content).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    person.entra.on("/token", stub.Reply(act=signed_out_meanwhile))
    person.process()
    assert person.token() == "access-of-ada"
    assert FileStore(person.folder).accounts() == ()


def test_a_renewal_that_was_under_way_replaces_no_later_sign_in(person: Person) -> None:
    person.token()
    before = person.files.find(app(person))
    assert before is not None
    person.entra.on("/token", answer(renewal="R9-MARKER"))
    person.login()
    late = type(before)(**{**vars(before), "renewal": "R2-MARKER"})
    assert person.files.write(app(person), late, renewing="R1-MARKER")
    found = person.files.find(app(person))
    assert found is not None
    assert found.renewal == "R9-MARKER"


def test_forgetting_one_leaves_the_others(person: Person) -> None:
    person.login()
    person.entra.on("/token", answer("eve", "E1-MARKER"))
    person.login()
    FileStore(person.folder).forget("oid-ada")
    assert [each.username for each in FileStore(person.folder).accounts()] == ["Eve@x.example"]
    assert FileStore(person.folder).forget("nobody") == ()
    FileStore(person.folder).forget()
    assert FileStore(person.folder).accounts() == ()


def test_a_revoked_one_is_forgotten_for_all(person: Person) -> None:
    person.token()
    person.process()
    person.entra.on("/token", error("invalid_grant", error_codes=[50173]))
    with pytest.raises(InteractionRequired) as caught:
        person.token(interactive=False)
    assert caught.value.codes == (50173,)
    assert person.files.accounts() == ()


def test_consent_that_lacks_forgets_nobody(person: Person) -> None:
    person.token()
    person.process()
    person.entra.on("/token", error("invalid_grant", suberror="consent_required", error_codes=[65001]))
    with pytest.raises(InteractionRequired):
        person.token(interactive=False)
    assert len(person.files.accounts()) == 1


def test_not_remembered_is_not_written(person: Person) -> None:
    person.token(remember=False)
    assert not person.folder.exists()


def test_an_engine_of_ones_own_writes_and_reads_nothing(person: Person, home: Path) -> None:
    from entra_tokens.testing import fresh_engine

    person.token()
    with fresh_engine() as person.engine, pytest.raises(InteractionRequired):
        person.token(interactive=False)
    with fresh_engine() as person.engine:
        person.token()
    assert len(person.shown) == 2
    assert not home.exists()


def test_by_default_it_is_in_the_users_store(person: Person, home: Path) -> None:
    person.engine = Engine(sign_ins=SignIns(sign_in_files))
    person.token()
    assert list((home / "store" / "sign-ins").iterdir())
    assert FileStore().accounts()[0].client_id == "client-1"
    from entra_tokens.engine import engine

    assert engine._engine.sign_ins.files is sign_in_files()


def test_a_login_is_used_by_other_processes(person: Person) -> None:
    person.login()
    person.process()
    assert person.token(interactive=False) == "access-of-ada"


def test_nothing_shows_in_files_names_or_reprs(person: Person) -> None:
    person.token()
    person.process()
    person.token()
    (account,) = person.files.accounts()
    assert "MARKER" not in repr(account)
    (sign_in,) = person.engine.sign_ins.values()
    assert sign_in.stored
    assert "MARKER" not in repr(sign_in) + repr(person.engine.sign_ins) + repr(person.files.find(app(person)))
    for path in person.folder.parent.rglob("*"):
        assert re.fullmatch(r"store.*|tmp|aside|locks|tokens|sign-ins|swept|[0-9a-f]{16}-[0-9a-f]{64}", path.name)
        assert path.is_dir() or not any(part in path.read_bytes() for part in (b"MARKER", b"access-of", b"x.example"))


def test_a_damaged_one_is_set_aside_and_costs_a_sign_in(person: Person) -> None:
    person.token()
    (file,) = (person.folder / "sign-ins").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    person.process()
    with pytest.raises(InteractionRequired):
        person.token(interactive=False)
    assert len(aside(person.folder)) == 1
    person.process()
    person.token()
    person.process()
    assert person.token(interactive=False) == "access-of-ada"


def test_a_damaged_one_costs_a_process_that_knows_it_nothing(person: Person) -> None:
    person.token()
    (file,) = (person.folder / "sign-ins").iterdir()
    file.write_bytes(b"damaged")
    person.token("api://other", interactive=False)
    person.process()
    assert person.token(interactive=False) == "access-of-ada"  # it was written again


def test_swapped_files_make_nobody_another(person: Person) -> None:
    person.login()
    (ada,) = (person.folder / "sign-ins").iterdir()
    person.entra.on("/token", answer("eve", "E1-MARKER"))
    person.login()
    eve = next(path for path in (person.folder / "sign-ins").iterdir() if path != ada)
    shutil.copy(eve, ada)
    person.process()
    with pytest.raises(InteractionRequired):
        person.token(account="ada@x.example", interactive=False)


@mounts
def test_a_full_disk_keeps_the_person_signed_in(person: Person, disk: Disk) -> None:
    with disk("size=64k") as folder:
        person.folder = folder / "store"
        person.process()
        FileStore(person.folder).opened()
        fill(folder)
        with pytest.warns(RuntimeWarning, match="No space"):
            assert person.files.write(app(person), _kept("x")) is False
        person.token()
        person.entra.on("/token", answer(renewal="R2-MARKER"), answer(renewal="R3-MARKER"))
        person.token("api://other", interactive=False)
        (folder / "full").unlink()
        person.token("api://third", interactive=False)
        assert person.used() == ["R1-MARKER", "R2-MARKER"]
        person.process()
        assert person.token(interactive=False)
        assert person.used()[-1] == "R3-MARKER"
    assert len(person.shown) == 1


def _kept(renewal: str) -> Any:
    from entra_tokens.stores.records import KeptSignIn

    return KeptSignIn(renewal, "who", None, frozenset(), 1.0)


def test_an_authority_that_tells_nothing_has_one_account(person: Person) -> None:
    person.entra.on("/token", answer(id_token=None))
    person.token()
    person.process()
    assert person.token(interactive=False) == "access-of-ada"
    with pytest.raises(InteractionRequired):
        person.token(account="eve@x.example", interactive=False)
    (account,) = person.files.accounts()
    assert account.username is None
    person.process()
    person.token(account="eve@x.example")
    person.process()
    assert person.token(account="eve@x.example", interactive=False)


# Access tokens of people in a store.


def test_an_access_token_is_its_accounts_alone(person: Person) -> None:
    store = FileStore(person.folder)
    person.login()
    person.process()
    assert person.token(store=store) == "access-of-ada"
    requests = len(person.entra.requests)
    person.process()
    assert person.token(store=store) == "access-of-ada"
    assert len(person.entra.requests) == requests
    person.entra.on("/token", answer("eve", "E1-MARKER"))
    person.login()
    person.process()
    assert person.token(store=store) == "access-of-eve"
    person.process()
    assert person.token(store=store, account="ada@x.example", interactive=False) == "access-of-ada"
    assert person.used() == ["R1-MARKER"]  # everything else was in the store, each under its account


def test_signing_out_takes_access_tokens_along(person: Person) -> None:
    store = FileStore(person.folder)
    person.login()
    person.process()
    person.token(store=store)
    assert list((person.folder / "tokens").iterdir())
    store.forget()
    assert not list((person.folder / "tokens").iterdir())
    person.process()
    with pytest.raises(InteractionRequired):
        person.token(store=store, interactive=False)


# One prompt.


def test_a_process_that_waits_is_told_how_long_the_person_has_and_can_leave(person: Person) -> None:
    """The prompt is another process's: this one waits as long, and goes at once when its caller goes."""
    credential = person.credential()
    lock = person.files.turn(app(person), None)
    assert lock is not None
    assert lock.acquire()
    until_when = person.engine.clock.wall() + 600
    lock.say(f"{until_when:.1f}")
    replaced = use_engine(person.engine)
    provider = TokenProvider(credential, SCOPE)
    use_engine(replaced)
    call = AsyncioFace().start(provider.as_async().token)
    until(lambda: provider._cell._flights)
    flight = provider._cell._flights[None]
    until(lambda: flight.prompted_until is not None, "word of the other process's prompt")
    assert flight.prompted_until == pytest.approx(until_when, abs=0.1)
    assert not call.over
    call.cancel()
    call.result()
    assert call.cancelled
    assert flight.landed.wait(30)  # nobody waits: it stops, and shows nothing
    assert not person.shown
    lock.release()


@pytest.mark.parametrize("note", ["", "soon", "nan", "inf", "-1", "1e300", "0"])
def test_a_note_that_makes_no_sense_is_none(person: Person, note: str) -> None:
    from entra_tokens.acquiring import Acquiring
    from entra_tokens.credentials.turn import Turn, _said

    lock = person.files.turn(app(person), None)
    assert lock is not None
    assert lock.acquire()
    lock.say(note)
    assert _said(lock, Acquiring(), Turn()) is None
    lock.release()


def test_whoever_waited_for_another_process_finds_its_sign_in(person: Person) -> None:
    lock = person.files.turn(app(person), None)
    assert lock is not None
    assert lock.acquire()
    got: list[Token] = []
    thread = threading.Thread(target=lambda: got.append(person.token()))
    thread.start()
    assert person.files.write(app(person), _kept("R0-MARKER"))
    thread.join(30)  # it needs no turn any more, though the other still has it
    assert got == ["access-of-ada"]
    assert person.used() == ["R0-MARKER"]
    assert not person.shown
    lock.release()


def test_after_a_prompt_that_came_to_nothing_the_next_process_asks(person: Person) -> None:
    lock = person.files.turn(app(person), None)
    assert lock is not None
    assert lock.acquire()
    got: list[Token] = []
    thread = threading.Thread(target=lambda: got.append(person.token()))
    thread.start()
    lock.release()
    thread.join(30)
    assert got == ["access-of-ada"]
    assert len(person.shown) == 1


def test_the_lock_of_a_process_that_was_killed_while_it_asked(person: Person) -> None:
    run(
        """
        from entra_tokens.stores.sign_ins import SignInFiles
        def work():
            lock = SignInFiles(FileStore(given["folder"])).turn(tuple(given["app"]), None)
            assert lock.acquire()
            lock.say("9999999999.0")
            os.kill(os.getpid(), signal.SIGKILL)
        print(json.dumps(answer_of(child(work))[1]))
        """,
        folder=str(person.folder),
        app=app(person),
    )
    assert person.token() == "access-of-ada"
    assert len(person.shown) == 1


def test_whoever_may_not_ask_and_whoever_may_do_not_answer_for_each_other(person: Person) -> None:
    """`interactive=` is each credential's own, though both use the same sign-in and both have providers that live."""
    never, asks = person.inside(
        lambda: [TokenProvider(person.credential(interactive=may), SCOPE) for may in (False, True)]
    )
    with pytest.raises(InteractionRequired, match="may not ask"):
        never.token()
    assert asks.token() == "access-of-ada", "a failure that is remembered for the other"
    assert len(person.shown) == 1
    person.engine.advance(6)  # what it was told is remembered no longer
    assert never.token() == "access-of-ada"
    assert person.used() == ["R1-MARKER"]
    person.files.forget()
    person.engine.advance(3601)
    with pytest.raises(InteractionRequired, match="may not ask"):
        never.token()
    assert len(person.shown) == 1, "nobody was asked for whoever may not ask"


def test_without_files_both_still_use_one_sign_in(person: Person) -> None:
    person.engine = Engine()
    person.token()
    assert person.token(interactive=False) == "access-of-ada"
    assert (len(person.shown), person.used()) == (1, ["R1-MARKER"])
