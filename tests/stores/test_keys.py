"""Where the key is kept: in a keyring that answers, else in a file; and never anything that hangs."""

from __future__ import annotations

import base64
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens import FileStore
from stores.kit import put, run, text, the_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Keyring:
    """A keyring module and its backend in one, with a fault."""

    priority: float = 5

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.fault: str = ""
        self.let_go = threading.Event()

    def get_keyring(self) -> Keyring:
        self._fail("get_keyring")
        return self

    def get_password(self, service: str, name: str) -> str | None:
        self._fail("get")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self._fail("set")
        self.kept[service, name] = value

    def _fail(self, where: str) -> None:
        if self.fault == where:
            raise RuntimeError("no D-Bus MARKER")
        if self.fault == "hang in " + where:
            self.let_go.wait()


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    made = Keyring()
    yield made
    made.let_go.set()


def with_keyring(folder: Path, keyring: Keyring | None, wait: float = 5.0) -> FileStore:
    class Store(FileStore):
        _keyring = staticmethod(lambda: keyring)
        _keyring_wait = wait

    return Store(folder)


def test_the_key_goes_into_the_keyring(folder: Path, keyring: Keyring) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        put(with_keyring(folder, keyring), "ada", "stored")
    assert not folder.with_name("store.key").exists()
    (value,) = keyring.kept.values()
    assert len(base64.b64decode(value)) == 32
    assert text(with_keyring(folder, keyring)) == "stored"


def test_without_a_keyring_it_is_a_file_with_one_warning(folder: Path) -> None:
    with pytest.warns(RuntimeWarning, match=r"store\.key.*entra-tokens\[keyring\]"):
        put(with_keyring(folder, None), "ada", "stored")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        put(with_keyring(folder, None), "ada", "stored")
        put(FileStore(folder), "eve", "stored")
    assert not warned
    key = folder.with_name("store.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert text(with_keyring(folder, None)) == "stored"


@pytest.mark.filterwarnings("ignore:The key that seals")
@pytest.mark.parametrize("fault", ["get_keyring", "get", "set", "priority 0", "garbage", "forgets"])
def test_a_keyring_that_does_not_work_is_none(folder: Path, keyring: Keyring, fault: str) -> None:
    keyring.fault = fault
    if fault == "priority 0":
        keyring.priority = 0
    if fault == "garbage":
        keyring.kept["entra-tokens", "store key"] = "not base64 of 32 bytes"
    if fault == "forgets":
        keyring.set_password = lambda *_: None  # type: ignore[method-assign]
    put(with_keyring(folder, keyring), "ada", "stored")
    assert folder.with_name("store.key").is_file()
    assert text(with_keyring(folder, keyring)) == "stored"
    if fault == "garbage":
        assert list(keyring.kept.values()) == ["not base64 of 32 bytes"]  # somebody else's; not ours to replace


@pytest.mark.filterwarnings("ignore:The key that seals")
def test_a_keyring_that_is_not_there_is_not_looked_for_each_time(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading its backends takes longer than reading a token; but it may come, and elsewhere there may be one."""
    note = folder.with_name("store.keyring.none")
    keyring.priority = 0
    put(with_keyring(folder, keyring), "ada", "stored")
    assert note.is_file()
    keyring.priority = 5
    assert text(with_keyring(folder, keyring)) == "stored"
    assert not keyring.kept
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/another/session")
    put(with_keyring(folder, keyring), "ada", "in the session")
    assert len(keyring.kept) == 1
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert text(with_keyring(folder, keyring)) == "stored"
    os.utime(note, (note.stat().st_mtime - 3601,) * 2)
    assert text(with_keyring(folder, keyring)) == "in the session"


@pytest.mark.filterwarnings("ignore:The key that seals")
@pytest.mark.parametrize("fault", ["get_keyring", "get", "set"])
def test_a_keyring_that_fails_is_looked_for_again(folder: Path, keyring: Keyring, fault: str) -> None:
    keyring.fault = fault
    put(with_keyring(folder, keyring), "ada", "stored")
    assert not folder.with_name("store.keyring.none").exists()


@pytest.mark.filterwarnings("ignore:The key that seals")
@pytest.mark.timeout(10)
@pytest.mark.parametrize("where", ["get_keyring", "get", "set"])
def test_a_keyring_that_hangs_is_none(folder: Path, keyring: Keyring, where: str) -> None:
    keyring.fault = f"hang in {where}"
    put(with_keyring(folder, keyring, wait=0.05), "ada", "stored")
    assert folder.with_name("store.key").is_file()
    assert text(with_keyring(folder, None)) == "stored"


@pytest.mark.filterwarnings("ignore:The key that seals")
def test_a_keyring_that_cannot_be_reached_now(folder: Path, keyring: Keyring) -> None:
    """Desktop, then SSH, then the desktop again: what the desktop stored is there, untouched."""
    put(with_keyring(folder, keyring), "ada", "on-the-desktop")
    desktop = the_file(folder)
    before = desktop.read_bytes(), desktop.stat().st_mtime_ns
    keyring.fault = "get"
    put(with_keyring(folder, keyring), "ada", "over-ssh")
    assert text(with_keyring(folder, keyring)) == "over-ssh"
    assert (desktop.read_bytes(), desktop.stat().st_mtime_ns) == before
    keyring.fault = ""
    assert text(with_keyring(folder, keyring)) == "on-the-desktop"
    assert not list((folder / "aside").iterdir())


def test_no_error_of_a_keyring_is_told(
    folder: Path, keyring: Keyring, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    keyring.fault = "get"
    caplog.set_level("DEBUG")
    with pytest.warns(RuntimeWarning) as warned:
        put(with_keyring(folder, keyring), "ada", "stored")
    assert "MARKER" not in caplog.text + "".join(str(each.message) for each in warned) + str(capfd.readouterr())


@pytest.mark.filterwarnings("ignore:The key that seals")
@pytest.mark.parametrize("damage", ["0644", "symlink", "cut", "text", "empty", "longer", "a sign"])
def test_a_key_file_that_is_no_good_is_set_aside(store: FileStore, folder: Path, tmp_path: Path, damage: str) -> None:
    put(store, "ada", "stored")
    key = folder.with_name("store.key")
    content = key.read_bytes()
    if damage == "0644":
        key.chmod(0o644)
    elif damage == "symlink":
        key.rename(tmp_path / "elsewhere")
        key.symlink_to(tmp_path / "elsewhere")
    else:
        damaged = {"cut": content[:-9], "text": b"secret", "empty": b"", "longer": content + b"AAAA"}
        damaged["a sign"] = content[:40] + b"!" + content[40:]  # that is not base64's
        key.write_bytes(damaged[damage])
    left = folder.with_name(f"store.key.{'0' * 24}")  # by a process that was killed while it made one
    left.touch()
    assert text(FileStore(folder), fresh="again") == "again"
    assert not left.exists()
    assert key.lstat().st_mode & 0o777 == 0o600
    assert not key.is_symlink()
    assert key.read_bytes() != content
    assert os.path.lexists(f"{key}.aside")
    assert text(FileStore(folder)) == "again"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_processes_that_make_the_key_together_make_one(folder: Path, tmp_path: Path) -> None:
    found = run(
        """
        import threading
        here = Path(given["here"])
        here.mkdir()
        def arrived():  # and about to look for the key
            (here / str(os.getpid())).touch()
        def all_are_here(step):
            while len(os.listdir(here)) < 12:
                threading.Event().wait(0.002)
        FileStore._keyring, FileStore._step = staticmethod(arrived), staticmethod(all_are_here)
        def work(number):
            store = FileStore(given["folder"])
            put(store, f"user-{number}", f"token-{number}")
            return store.opened().seal.id
        ids = together(12, work)
        store = FileStore(given["folder"])
        print(json.dumps([ids, [text(store, f"user-{number}") for number in range(12)]]))
        """,
        folder=str(folder),
        here=str(tmp_path / "here"),
    )
    ids, tokens = found
    assert len(set(ids)) == 1
    assert tokens == [f"token-{number}" for number in range(12)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_processes_that_fill_an_empty_keyring_together_agree(folder: Path, tmp_path: Path) -> None:
    """A real module on the path, whose backend is a file."""
    (tmp_path / "keyring").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "keyring" / "__init__.py").write_text(
        _KEYRING_MODULE.format(file=str(tmp_path / "kept"), here=str(tmp_path / "here"))
    )
    ids = run(
        f"""
        sys.path.insert(0, {str(tmp_path)!r})
        print(json.dumps(together(12, lambda number: FileStore(given["folder"]).opened().seal.id)))
        """,
        folder=str(folder),
    )
    assert len(set(ids)) == 1
    assert not folder.with_name("store.key").exists()


_KEYRING_MODULE = """
import os, threading

class Backend:
    priority = 5

def get_keyring():
    return Backend()

asked = []

def get_password(service, name):
    found = look()
    if not asked:  # all have looked before anybody goes on
        asked.append(1)
        open({here!r} + "/" + str(os.getpid()), "w").close()
        while len(os.listdir({here!r})) < 12:
            threading.Event().wait(0.002)
    return found

def look():
    try:
        with open({file!r}) as file:
            return file.read() or None
    except FileNotFoundError:
        return None

def set_password(service, name, value):
    with open({file!r}, "w") as file:
        file.write(value)
"""


def test_no_key_is_in_a_repr(store: FileStore, folder: Path) -> None:
    with pytest.warns(RuntimeWarning):
        opened = store.opened()
    key: Any = base64.b64decode(folder.with_name("store.key").read_text().splitlines()[1])
    assert opened is not None
    for form in (key.hex(), base64.b64encode(key).decode(), repr(key)):
        assert form not in repr(opened) + repr(store) + repr(vars(store))
