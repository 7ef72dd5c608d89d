"""Many processes on one store, and processes that are killed at every step of a write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens.emulator import Emulator
from stores.kit import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

# How many steps a first write has at most: the key's file and the entry's.
STEPS = 16


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(latency=0.1, interval=0.1) as made:
        yield made


def facts(e: Emulator, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "app": [e.tenant_id, e.client_id, e.client_secret],
        "authority": {"authority": e.authority, "verify": e.ca_file, "proxy": ""},
        **more,
    }


def grants(e: Emulator) -> list[str]:
    return [request.grant for request in e.requests if request.grant]


_KILLED = """
from stores.kit import aside
folder = Path(given["folder"])
steps = []

def killed_at(number, work):
    '''Whether a process that is killed after so many steps of writing was killed at all.'''
    def die(step):
        nonlocal number
        steps.append(step)
        number -= 1
        if number < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def doomed():
        FileStore._step = staticmethod(die)
        work()
        return steps
    said, status = answer_of(child(doomed))
    if said:
        steps[:] = said
    return status == signal.SIGKILL

def get(name):
    return answer_of(child(lambda: text(FileStore(folder), name, "nothing", takes=True)))[0]
"""


def test_killed_at_every_step_of_the_first_write(folder: Path) -> None:
    """The key, its file and the entry: the next process finds it or nothing, and can write."""
    found = run(
        _KILLED,
        """
        import shutil
        found = []
        for number in range(given["steps"]):
            shutil.rmtree(folder.parent, ignore_errors=True)
            if not killed_at(number, lambda: put(FileStore(folder), "ada", "first")):
                break
            got = get("ada")
            put(FileStore(folder), "ada", "next")
            assert get("ada") == "next"
            assert not aside(folder), (number, aside(folder))
            found.append(got)
        print(json.dumps([found, steps]))
        """,
        folder=str(folder),
        steps=STEPS,
    )
    tokens, steps = found
    assert steps == 2 * ["made", "written a part", "written a part", "synced", "renamed", "folder synced"]
    assert len(tokens) == len(steps)
    renamed = 10
    assert tokens == ["nothing"] * renamed + ["first"] * (len(steps) - renamed)


def test_killed_at_every_step_of_a_renewal(folder: Path) -> None:
    """The old token or the new one, whole; and nobody else's is touched."""
    found = run(
        _KILLED,
        """
        store = FileStore(folder)
        put(store, "eve", "of-eve")
        found = []
        for number in range(given["steps"]):
            put(store, "ada", "old")
            if not killed_at(number, lambda: put(FileStore(folder), "ada", "new")):
                break
            found.append(get("ada"))
            assert get("eve") == "of-eve"
            assert not aside(folder)
        print(json.dumps([found, steps, len(list((folder / "tmp").iterdir()))]))
        """,
        folder=str(folder),
        steps=STEPS,
    )
    tokens, steps, left = found
    assert steps == ["made", "written a part", "written a part", "synced", "renamed", "folder synced"]
    assert tokens == ["old"] * 4 + ["new"] * 2
    assert left == 4  # cleared away an hour later


def test_killed_at_every_step_of_a_sign_in(folder: Path) -> None:
    """The refresh token that was there or the one that came: never neither."""
    found = run(
        _KILLED,
        """
        from entra_tokens.stores.records import KeptSignIn
        from entra_tokens.stores.sign_ins import SignInFiles
        app = ("https://localhost", "tenant", "client", "verified")
        def one(renewal):
            return KeptSignIn(renewal, "who", "ada", frozenset({"ada"}), NOW)
        def write(renewal, **options):
            assert SignInFiles(FileStore(folder)).write(app, one(renewal), **options)
        found = []
        for number in range(given["steps"]):
            write("old")
            if not killed_at(number, lambda: write("new", renewing="old")):
                break
            found.append(SignInFiles(FileStore(folder)).find(app, "ada").renewal)
        print(json.dumps(found))
        """,
        folder=str(folder),
        steps=STEPS,
    )
    assert found == ["old"] * 4 + ["new"] * 2


def test_sixteen_processes_write_ten_times_each(folder: Path) -> None:
    """To keys of their own and to one that they share: each is there, whole, and nothing was set aside."""
    found = run(
        """
        from stores.kit import aside
        folder = Path(given["folder"])
        def work(number):
            store = FileStore(folder)
            for turn in range(10):
                put(store, f"user-{number}-{turn}", f"token-{number}-{turn}")
                put(store, "shared", f"by-{number}-{turn}")
                assert text(store, "shared", "torn").startswith("by-")
            return True
        together(16, work)
        store = FileStore(folder)
        wrong = [
            (number, turn)
            for number in range(16)
            for turn in range(10)
            if text(store, f"user-{number}-{turn}", "lost") != f"token-{number}-{turn}"
        ]
        print(json.dumps([wrong, text(store, "shared", "lost"), len(aside(folder)), os.listdir(folder / "tmp")]))
        """,
        folder=str(folder),
    )
    wrong, shared, aside, left = found
    assert wrong == []
    assert shared.startswith("by-")
    assert (aside, left) == (0, [])


def test_eight_processes_that_start_cold_make_one_request(emulator: Emulator, folder: Path) -> None:
    """Row 12."""
    tokens = run(
        """
        def work(number):
            credential = ClientSecret(*given["app"], **given["authority"])
            return TokenProvider(credential, "api://app", store=FileStore(given["folder"])).token()
        print(json.dumps(together(8, work)))
        """,
        **facts(emulator, folder),
    )
    assert len(set(tokens)) == 1
    assert grants(emulator) == ["client_credentials"]


def test_a_process_that_is_killed_while_it_acquires_costs_the_next_nothing(folder: Path) -> None:
    """Row 14, through the store: the lock of a holder that was killed."""
    seconds = run(
        """
        import time
        class Doomed(Want):
            def acquire(self):
                os.kill(os.getpid(), signal.SIGKILL)
        store = FileStore(given["folder"])
        store.opened()
        seconds = []
        for number in range(10):  # of which a busy machine interrupts some
            doomed = Doomed(f"user-{number}")
            _, status = answer_of(child(lambda: FileStore(given["folder"]).through(doomed)))
            assert status == signal.SIGKILL
            start = time.perf_counter()
            assert text(store, f"user-{number}", wait=30) == "fresh"
            seconds.append(time.perf_counter() - start)
        print(min(seconds))
        """,
        folder=str(folder),
    )
    assert seconds < 0.05


_PEOPLE = """
import msal, entra_tokens.authority.http  # once, not in each of twenty
from entra_tokens import InteractiveBrowser

def show(what):
    with open(given["shown"], "a") as file:
        file.write(what + "\\n")

FileStore().accounts()  # the key is there, and what is imported first

def work(number):
    names = given["app"][1], given["app"][0]
    if given["how"] == "browser":
        credential = InteractiveBrowser(*names, opener=show, **given["authority"])
    else:
        credential = DeviceCode(*names, prompt=lambda shown: show(shown.user_code), **given["authority"])
    show("here")
    if given["login"]:
        return credential.login("api://app")
    return TokenProvider(credential, f"api://app-{number % 3}").token(timeout=40)
"""


@pytest.mark.parametrize(("how", "login"), [("code", False), ("browser", True)], ids=["code", "browser, login"])
def test_twenty_processes_that_need_a_sign_in_show_one_prompt(
    emulator: Emulator, folder: Path, home: Path, tmp_path: Path, how: str, login: bool
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from engine.faces import until

    shown = tmp_path / "shown"

    def lines() -> list[str]:
        return shown.read_text().splitlines() if shown.exists() else []

    with ThreadPoolExecutor(1) as beside:
        script = "print(json.dumps(together(20, work)))"
        running = beside.submit(run, _PEOPLE, script, **facts(emulator, folder, shown=str(shown), how=how, login=login))
        # While the person types the others come, and wait.
        until(lambda: running.done() or len(lines()) == 21, "a prompt, and twenty who want it")
        if how == "browser":
            emulator.browse(next(line for line in lines() if line != "here"))
        else:
            until(lambda: running.done() or grants(emulator).count("device_code") >= 8, "some polls")
            for code in emulator.pending_codes:
                emulator.approve(code)
        tokens = running.result(50)
    assert len(tokens) == 20
    assert len(lines()) == 20 + 1
    came_by = grants(emulator).count("authorization_code")
    codes = sum(request.path.endswith("/devicecode") for request in emulator.requests)
    assert (came_by, codes) == ((1, 0) if how == "browser" else (0, 1))
