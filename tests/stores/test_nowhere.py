"""Where nothing can be stored everything works from memory, with one warning."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import warnings
from typing import TYPE_CHECKING

import pytest

from entra_tokens import FileStore, TokenProvider
from entra_tokens.testing import ScriptedCredential, fresh_engine
from stores.kit import SRC, put, text, the_file, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    Disk = Callable[[str], AbstractContextManager[Path]]

mounts = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs Linux and root"
)
pytestmark = pytest.mark.filterwarnings("ignore:The key that seals")


def once(call: Callable[[], str], match: str) -> str:
    """What a call gives that warns; called again it does not."""
    with pytest.warns(RuntimeWarning, match=match) as warned:
        got = call()
    assert len([each for each in warned if "Nothing is kept" in str(each.message)]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call()
    return got


@mounts
def test_a_read_only_home(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk("ro") as folder:
        monkeypatch.setenv("ENTRA_TOKENS_HOME", str(folder / "home"))
        assert once(lambda: text(FileStore()), "Read-only.*Nothing is kept") == "fresh"


@mounts
def test_a_home_that_becomes_read_only(disk: Disk) -> None:
    with disk("size=1m") as folder:
        put(FileStore(folder / "store"), "ada", "stored")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True, timeout=10)
        store = FileStore(folder / "store")
        assert text(store) == "stored"
        assert once(lambda: text(store, "eve"), "Read-only.*Nothing is kept") == "fresh"
        assert text(store, takes=False) == "fresh"
        assert text(FileStore(folder / "store")) == "stored"


@mounts
def test_a_full_disk_keeps_what_it_has(disk: Disk) -> None:
    with disk("size=64k") as folder:
        store = FileStore(folder / "store")
        put(store, "ada", "stored")
        before = the_file(folder / "store").read_bytes()
        fill(folder)
        assert once(lambda: text(store, takes=False), "No space.*Nothing is kept") == "fresh"
        assert the_file(folder / "store").read_bytes() == before
        assert text(FileStore(folder / "store")) == "stored"
        assert not list((folder / "store" / "tmp").iterdir())
        (folder / "full").unlink()
        put(store, "ada", "stored again")
        assert text(FileStore(folder / "store")) == "stored again"


@mounts
def test_a_disk_that_is_full_from_the_start(disk: Disk) -> None:
    with disk("size=64k") as folder:
        fill(folder)
        assert once(lambda: text(FileStore(folder / "store")), "Nothing is kept") == "fresh"


@mounts
def test_a_provider_goes_on_from_memory_when_the_disk_is_full(disk: Disk) -> None:
    with disk("size=64k") as folder, fresh_engine():
        fill(folder)
        credential = ScriptedCredential()
        provider = TokenProvider(credential, "api://app", store=FileStore(folder / "store"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # where warnings are errors, too
            assert provider.token() == "token-1"
        assert provider.token() == "token-1"
        assert credential.calls == 1


def fill(folder: Path) -> None:
    def write() -> None:
        while True:
            file.write(bytes(4096))

    with (folder / "full").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        write()


def test_a_file_stands_where_the_folder_would(folder: Path) -> None:
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("a file")
    assert once(lambda: text(FileStore(folder)), "cannot be used.*Nothing is kept") == "fresh"
    assert folder.parent.read_text() == "a file"


def test_no_place_for_the_key(store: FileStore, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.with_name("store.key.lock").mkdir()
    assert once(lambda: text(store), "store.key cannot be made.*Nothing is kept") == "fresh"
    assert not [path for path in tree(folder) if path.startswith("tokens/")]


def test_where_nothing_can_be_locked_it_is_stored_all_the_same(store: FileStore, folder: Path) -> None:
    put(store, "ada", "stored")
    (lock,) = (folder / "locks").iterdir()
    lock.unlink()
    lock.mkdir()
    put(store, "ada", "again")
    assert text(FileStore(folder)) == "again"


def test_it_is_tried_again_later_not_at_every_renewal(folder: Path) -> None:
    tried = []

    class Counted(FileStore):
        def _open(self):  # type: ignore[no-untyped-def]
            tried.append(1)
            return super()._open()

    folder.parent.write_text("a file")
    store = Counted(folder)
    once(lambda: text(store), "cannot be used")
    assert len(tried) == 1
    folder.parent.unlink()
    store._shut_until = float("-inf")
    put(store, "ada", "stored")
    assert text(store) == "stored"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="to be a user without an entry needs root")
def test_a_user_without_a_home() -> None:
    """A container's numeric user: no HOME, no entry in the password file. No folder called `~` is made either."""
    script = """
    import os, sys, warnings
    from entra_tokens import FileStore, TokenProvider
    from entra_tokens.testing import ScriptedCredential
    # What is imported later, while the interpreter's files can still be read.
    import logging, traceback, entra_tokens.engine.wanted, entra_tokens.stores.memory
    assert FileStore().path.is_absolute()
    TokenProvider(ScriptedCredential(), "c").token()
    os.chdir("/tmp")
    os.setuid(54321)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert FileStore().path is None
        for scope in ("a", "b"):
            assert TokenProvider(ScriptedCredential(), scope, store=FileStore()).token()
    assert len(warned) == 1, warned
    assert "no home" in str(warned[0].message)
    assert not os.path.exists("~")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PYTHONPATH": str(SRC), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", ["~nobody-has-this-name/x", "~nobody-has-this-name"])
def test_a_home_that_is_nobodys(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRA_TOKENS_HOME", value)
    assert FileStore().path is None
