"""IMDS takes 5 requests at once and 20 a second of one machine; all our processes together send fewer."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.places import at
from entra_tokens.authority.managed_identity import gate as module
from entra_tokens.authority.managed_identity.gate import AT_ONCE, PER_SECOND, Gate, gate_folder
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.engine.clock import SYSTEM_CLOCK
from entra_tokens.os_lock import OsLock
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

PROCESSES, THREADS, EACH = 3, 8, 2


def _storm(number: int, client_id: str) -> list[str]:
    """Threads that each want tokens nobody else wants, half of them for another identity."""
    failures: list[str] = []

    def ask(thread: int) -> None:
        one = ManagedIdentity(client_id=client_id if thread % 2 else None, timeout=60)
        for time in range(EACH):
            try:
                one.acquire(TokenRequest((f"api://app-{number}-{thread}-{time}/.default",)))
            except Exception as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=ask, args=(each,)) for each in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_processes_and_threads_see_no_throttling(e: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (mine,) = e.identities.user_assigned
    with at(e, "imds"), multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        failures = pool.starmap(_storm, [(number, mine.client_id) for number in range(PROCESSES)], chunksize=1)
    assert failures == [[]] * PROCESSES
    assert {record.status for record in e.token_requests} == {200}
    assert len(e.token_requests) == PROCESSES * THREADS * EACH
    (folder,) = tmp_path.iterdir()
    assert 2 <= len(list(folder.iterdir())) <= AT_ONCE + 1


@pytest.fixture(params=["files", "no files"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "files" else None


def test_so_many_at_once(folder: Path | None) -> None:
    line, held, most, lock = Gate(folder, "imds"), 0, 0, threading.Lock()
    full, go = threading.Event(), threading.Event()

    def ask() -> None:
        nonlocal held, most
        with line.passing(30):
            with lock:
                held += 1
                most = max(most, held)
                if held == AT_ONCE:
                    full.set()
            go.wait(30)
            with lock:
                held -= 1

    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE + 3)]
    for thread in threads:
        thread.start()
    assert full.wait(30)
    go.set()
    for thread in threads:
        thread.join()
    assert most == AT_ONCE


def test_so_many_a_second(folder: Path | None) -> None:
    line, begun = Gate(folder, "imds"), SYSTEM_CLOCK.boot()
    for _ in range(PER_SECOND + 1):
        with line.passing(30):
            pass
    assert SYSTEM_CLOCK.boot() - begun >= 1
    assert line._folder == folder


@pytest.mark.parametrize("held_by", ["places", "starts"])
def test_nobody_waits_for_ever(tmp_path: Path, held_by: str) -> None:
    names = [f"imds-{number}" for number in range(AT_ONCE)] if held_by == "places" else ["imds-starts"]
    locks = [OsLock.taken(tmp_path / name) for name in names]
    assert None not in locks
    with Gate(tmp_path, "imds").passing(0.1) as waited:
        assert waited >= 0.1
    for lock in locks:
        assert lock is not None
        lock.release()
    with Gate(tmp_path, "imds").passing(30) as waited:
        assert waited < 10


def test_the_line_may_take_longer_than_a_request(e: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """20 processes that start together want more in their first second than IMDS gives in ten."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    module._gates.clear()
    with at(e, "imds"):
        ManagedIdentity().acquire(TokenRequest(("api://first/.default",)))
        one = ManagedIdentity(timeout=1)
        (line,) = module._gates.values()
        assert line._folder is not None
        locks = [OsLock.taken(Path(line._folder, f"{line._name}-{number}")) for number in range(AT_ONCE)]
        waits = threading.Thread(target=one.acquire, args=[TokenRequest(("api://second/.default",))])
        waits.start()
        waits.join(1.2)
        assert waits.is_alive()
        assert len(e.token_requests) == 1
        for lock in locks:
            assert lock is not None
            lock.release()
        waits.join(30)
    module._gates.clear()
    assert len(e.token_requests) == 2


def _hold_and_die(folder: Path) -> None:
    for number in range(AT_ONCE):
        assert OsLock.taken(folder / f"imds-{number}") is not None
    os._exit(9)


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(tmp_path,))
    process.start()
    process.join(30)
    assert process.exitcode == 9
    lock = OsLock.taken(tmp_path / "imds-0")
    assert lock is not None
    lock.release()


@pytest.mark.parametrize("content", [b"", b"\0" * 2000, b"nan inf -1 1e99 x", "zwölf".encode(), b"9999999999 " * 15])
def test_what_is_in_the_file_cannot_hold_anybody_up(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "imds-starts").write_bytes(content)
    with Gate(tmp_path, "imds").passing(30) as waited:
        assert waited < 10


def test_a_folder_that_goes_away(tmp_path: Path) -> None:
    line = Gate(tmp_path / "gone", "imds")
    with line.passing(30), line.passing(30):
        assert line._folder is None


class TestFolder:
    @pytest.fixture(autouse=True)
    def there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))

    def test_it_is_made_for_its_user_alone(self, tmp_path: Path) -> None:
        made = Path(gate_folder() or "")
        assert made.parent == tmp_path
        assert made.stat().st_mode & 0o777 == 0o700
        assert gate_folder() == str(made)

    def test_one_that_others_can_write_to_is_not_used(self) -> None:
        Path(gate_folder() or "").chmod(0o777)
        assert gate_folder() is None

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        (tmp_path / f"entra-tokens-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
        assert gate_folder() is None

    def test_no_temporary_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
        assert gate_folder() is None


def test_a_second_is_a_second() -> None:
    """The sixteenth waits for the first to be a second old, and not for longer."""
    starts = deque([SYSTEM_CLOCK.boot() - 0.01] * PER_SECOND, maxlen=PER_SECOND)
    assert 0 < module._noted(starts) <= 0.99
    assert module._noted(deque([SYSTEM_CLOCK.boot() - 1] * PER_SECOND, maxlen=PER_SECOND)) == 0
    assert module._noted(deque([SYSTEM_CLOCK.boot()] * (PER_SECOND - 1), maxlen=PER_SECOND)) == 0
