"""FileStore by itself: what it keeps, what it finds, and what it will not touch."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens import AuthorityUnavailable, ConfigurationError, FileStore, Token
from entra_tokens.stores.folder import MOST_ASIDE
from entra_tokens.stores.home import home as store_home
from entra_tokens.stores.protocol import Stored
from stores.kit import NOW, Want, aside, put, run, text, the_file, tree

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.filterwarnings("ignore:The key that seals")


def test_a_token_is_kept_and_found(store: FileStore, folder: Path) -> None:
    assert text(store, fresh="first") == "first"
    assert text(store, fresh="second") == "first"
    assert text(FileStore(folder), fresh="third") == "first"


def test_it_comes_back_as_it_was(store: FileStore, folder: Path) -> None:
    token = Token("x", expires_on=NOW + 60.5, refresh_on=NOW + 30.25, scopes=("a", "b"))

    class Other(Want):
        def acquire(self) -> Token:
            return token

    assert store.through(Other()) is token
    found: Any = FileStore(folder).through(Want())
    assert found.acquired == NOW
    assert found.token == token
    for name in ("expires_on", "refresh_on", "scopes"):
        assert getattr(found.token, name) == getattr(token, name)
    assert "x" not in repr(found).replace("expires", "")


def test_one_that_will_not_do_is_replaced(store: FileStore) -> None:
    put(store, "ada", "first")
    put(store, "ada", "second")
    assert text(store) == "second"


def test_each_key_has_its_own(store: FileStore) -> None:
    for name in ("ada", "eve", "bob"):
        put(store, name, f"token-of-{name}")
    for name in ("ada", "eve", "bob"):
        assert text(store, name) == f"token-of-{name}"


def test_what_nobody_else_can_mean_is_not_stored(store: FileStore, folder: Path) -> None:
    class Private(Want):
        def key_under(self, secret: bytes) -> None:
            return None

    assert store.through(Private()) == "fresh"
    assert not list((folder / "tokens").iterdir())


def test_a_token_of_somebody_who_came_meanwhile_is_not_stored(store: FileStore, folder: Path) -> None:
    """The secret was rotated, or another person signed in, while it was got."""

    class Rotated(Want):
        def acquire(self) -> Token:
            self.name = "eve"
            return super().acquire()

    store.through(Rotated("ada"))
    assert not list((folder / "tokens").iterdir())


def test_whoever_could_not_have_the_lock_leaves_the_writing_to_its_holder(store: FileStore, folder: Path) -> None:
    opened = store.opened()
    assert opened is not None
    key = Want("ada").key_under(b"")
    assert key is not None
    with opened.entry("tokens", ("token", *key)).turn(wait=0) as have:
        assert have
        assert text(store, "ada", "mine", wait=0) == "mine"
        assert not list((folder / "tokens").iterdir())


def test_a_failure_is_the_callers_and_frees_the_others(store: FileStore) -> None:
    class Down(Want):
        def acquire(self) -> Token:
            raise AuthorityUnavailable("down")

    with pytest.raises(AuthorityUnavailable, match="down"):
        store.through(Down())
    assert text(store, wait=0) == "fresh"


def test_private_files_in_private_folders(store: FileStore, folder: Path) -> None:
    before = os.umask(0)
    try:
        put(store, "ada", "x")
    finally:
        os.umask(before)
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o700
    found = tree(folder.parent)
    assert {mode for path, mode in found.items() if (folder.parent / path).is_dir()} == {0o700}
    assert {mode for path, mode in found.items() if not (folder.parent / path).is_dir()} == {0o600}


def test_whatever_the_umask(store: FileStore, folder: Path) -> None:
    store.opened()
    before = os.umask(0o277)
    try:
        put(store, "ada", "x")
    finally:
        os.umask(before)
    assert the_file(folder).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_file_that_cannot_be_read_now_is_left_alone(store: FileStore, folder: Path) -> None:
    """A process without descriptors to spare has nothing to say about it."""
    put(store, "ada", "x")
    run(
        """
        import resource
        folder = FileStore(given["folder"]).opened().folder
        name = next(folder.names("tokens"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        opened = []
        try:
            while True:
                opened.append(os.open("/", os.O_RDONLY))
        except OSError:
            pass
        assert folder.read(name) is None
        for file in opened:
            os.close(file)
        assert folder.read(name)
        print("null")
        """,
        folder=str(folder),
    )


def test_nothing_is_told_by_a_name_or_a_repr(store: FileStore, folder: Path) -> None:
    put(store, "MARKER-ada", "MARKER-token")
    told = " ".join(tree(folder.parent)) + repr(store) + repr(store.opened())
    assert "MARKER" not in told
    for file in folder.parent.rglob("*"):
        if file.is_file():
            assert b"MARKER" not in file.read_bytes()


def test_the_key_is_outside_the_folder(store: FileStore, folder: Path) -> None:
    put(store, "ada", "x")
    key = folder.with_name("store.key")
    assert key.is_file()
    shutil.copytree(folder, folder.with_name("copy"))
    assert text(FileStore(folder.with_name("copy")), fresh="new") == "new"


def test_the_default_folder(home: Path) -> None:
    assert FileStore().path == home / "store"
    put(FileStore(), "ada", "kept")
    assert text(FileStore()) == "kept"
    assert (home / "store.key").is_file()
    assert home.stat().st_mode & 0o777 == 0o700


PLACES: list[dict[str, str]] = [
    {},
    {"HOME": "/home/ada"},
    {"HOME": "/home/ada/"},
    {"HOME": "/home/a b/ü"},
    {"HOME": "/"},
    {"HOME": "relative"},
    {"HOME": ""},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/conf"},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""},
    {"HOME": "/home/ada", "XDG_DATA_HOME": " ", "XDG_CONFIG_HOME": " "},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "./conf"},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "~/data", "XDG_CONFIG_HOME": "~/conf"},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "/data/../d/", "XDG_CONFIG_HOME": "//conf"},
    {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/conf"},
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_without_a_variable_it_is_the_users_folder(monkeypatch: pytest.MonkeyPatch, place: dict[str, str]) -> None:
    """As platformdirs has it, which is not asked where nothing is unusual."""
    import platformdirs

    for name in ("ENTRA_TOKENS_HOME", "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    data = platformdirs.user_data_dir("entra-tokens", appauthor=False)
    config = platformdirs.user_config_dir("entra-tokens", appauthor=False, roaming=True)
    assert FileStore().path == Path(os.path.abspath(data)) / "store"
    assert store_home("config") == os.path.abspath(config)


def test_the_constructor_touches_nothing(folder: Path, home: Path) -> None:
    assert repr(FileStore(folder)) == f"FileStore({str(folder)!r})"
    assert FileStore(folder).path == folder
    assert FileStore().path is not None
    assert not folder.parent.exists()
    assert not home.exists()


def test_it_pickles_as_its_path(folder: Path) -> None:
    one = FileStore(folder)
    put(one, "ada", "x")
    two = pickle.loads(pickle.dumps(one))
    assert two == one
    assert hash(two) == hash(one)
    assert text(two, fresh="y") == "x"
    assert pickle.loads(pickle.dumps(FileStore())) == FileStore() != one
    assert b"x" not in pickle.dumps(FileStore("/a/b"))


# What is not what we wrote.


def damaged(folder: Path, damage: Callable[[Path], None]) -> str:
    """What the next process gets when the entry's file was damaged; and the entry is sound afterwards."""
    put(FileStore(folder), "ada", "stored")
    damage(the_file(folder))
    found = text(FileStore(folder), fresh="again")
    assert text(FileStore(folder), fresh="no") == found
    return found


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut short": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    "a bit": lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
    "version 2": lambda content: content[:3] + b"\2" + content[4:],
    "another key's": lambda content: content[:4] + bytes(8) + content[12:],
    "text": lambda _: b'{"token":"planted"}',
    "zeros": lambda content: bytes(len(content)),
    "a pickle": lambda _: pickle.dumps({"token": "planted"}),
    "huge": lambda content: content + bytes(1 << 20),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_a_miss_and_set_aside(folder: Path, kind: str) -> None:
    assert damaged(folder, rewritten(DAMAGE[kind])) == "again"
    assert len(aside(folder)) == 1


def test_truncated_at_every_length(store: FileStore, folder: Path) -> None:
    put(store, "ada", "stored")
    file = the_file(folder)
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        assert text(store, fresh=f"again-{length}") == f"again-{length}"
    assert len(aside(folder)) == MOST_ASIDE


def test_files_that_were_swapped_are_misses(store: FileStore, folder: Path) -> None:
    """No key is ever answered with another's token."""
    put(store, "ada", "token-of-ada")
    (ada,) = (folder / "tokens").iterdir()
    put(store, "eve", "token-of-eve")
    eve = next(path for path in (folder / "tokens").iterdir() if path != ada)
    one, two = ada.read_bytes(), eve.read_bytes()
    ada.write_bytes(two)
    eve.write_bytes(one)
    assert text(store, "ada", "new-ada") == "new-ada"
    assert text(store, "eve", "new-eve") == "new-eve"
    assert len(aside(folder)) == 2


def test_a_sealed_record_of_another_shape_is_a_miss(store: FileStore, folder: Path) -> None:
    put(store, "ada", "stored")
    opened = store.opened()
    assert opened is not None
    entry = opened.entry("tokens", ("token", ("kind", "ada"), ("api://app/.default",), None, False))
    good = opened.seal.open(entry._name, the_file(folder).read_bytes())
    assert entry.file == f"tokens/{the_file(folder).name}"
    for content in (
        b"", b"[]", b"null", b"{}", b"\xff", good[:-1], good.replace(b'"kind":"token"', b'"kind":"sign-in"'),
        good.replace(b'"stored"', b"7"), good.replace(b'"stored"', b'"a\\nb"'), good.replace(b'"expires_on":', b'"x":'),
        good.replace(b"1700003600.0", b"NaN"), good.replace(b"1700003600.0", b"true"), good.replace(b'"ada"', b'"eve"'),
    ):  # fmt: skip
        assert content != good
        the_file(folder).write_bytes(opened.seal.seal(entry._name, content))
        assert text(store, fresh="again") == "again", content


def test_another_keys_files_are_left_alone(folder: Path) -> None:
    """A desktop's store seen over SSH: its key cannot be had, and its files are as they were when it can."""
    put(FileStore(folder), "ada", "of the first key")
    key, first = folder.with_name("store.key"), the_file(folder)
    content = key.read_bytes()
    key.unlink()
    put(FileStore(folder), "ada", "of-the-second-key")
    assert text(FileStore(folder)) == "of-the-second-key"
    assert first.exists()
    assert not aside(folder)
    key.write_bytes(content)
    assert text(FileStore(folder)) == "of the first key"
    assert len({path.name.partition("-")[0] for path in (folder / "tokens").iterdir()}) == 2


# Whom it trusts.

owned = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes on this platform")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def symlinked(path: Path) -> None:
    path.rename(path.parent.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent.parent / "elsewhere")


def hard_linked(path: Path) -> None:
    os.link(path, path.parent.parent.parent / "elsewhere")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@owned
@pytest.mark.parametrize(
    "damage",
    [lambda path: path.chmod(0o644), lambda path: path.chmod(0o620), symlinked, hard_linked, a_pipe, a_folder],
    ids=["0644", "0620", "symlink", "hard link", "pipe", "folder"],
)
def test_a_file_that_others_may_have_touched_is_a_miss_and_set_aside(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    assert damaged(folder, damage) == "again"
    assert len(aside(folder)) == 1
    assert the_file(folder).lstat().st_mode & 0o777 == 0o600


@as_root
def test_anothers_file_is_a_miss_and_set_aside(folder: Path) -> None:
    assert damaged(folder, lambda path: os.chown(path, 12345, -1)) == "again"
    assert [path.lstat().st_uid for path in aside(folder)] == [12345]


def test_one_that_is_replaced_while_it_is_being_read_is_no_damage(
    store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has the old file open, which has no name any more."""
    put(store, "ada", "old")
    opened, real = store.opened(), os.fstat

    def late(file: int) -> os.stat_result:
        monkeypatch.setattr(os, "fstat", real)
        put(FileStore(folder), "ada", "new")
        return real(file)

    assert opened is not None
    entry = opened.entry("tokens", ("token", ("kind", "ada"), ("api://app/.default",), None, False))
    monkeypatch.setattr(os, "fstat", late)
    found = entry.read(Stored)
    assert found is not None
    assert found.token == "old"
    assert text(store) == "new"


def test_a_link_is_not_followed_when_writing(store: FileStore, folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    put(store, "ada", "x")
    file = the_file(folder)
    file.unlink()
    file.symlink_to(precious)
    put(store, "ada", "y")
    assert precious.read_text() == "precious"
    assert text(store) == "y"


@owned
def test_an_open_folder_of_ours_is_closed(store: FileStore, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    put(store, "ada", "x")
    assert folder.stat().st_mode & 0o777 == 0o700


@as_root
def test_anothers_folder_is_left_alone(store: FileStore, folder: Path) -> None:
    """As with `sudo` in somebody's home: nothing of theirs is set aside, nothing of ours put there."""
    put(store, "ada", "theirs")
    before = tree(folder)
    os.chown(folder, 12345, -1)
    with pytest.warns(RuntimeWarning, match="belongs to another user.*Nothing is kept"):
        assert text(FileStore(folder)) == "fresh"
    assert tree(folder) == before


def test_a_link_to_a_folder_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.warns(RuntimeWarning, match="not a folder"):
        assert text(FileStore(folder)) == "fresh"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_only_so_many_are_kept_aside(store: FileStore, folder: Path) -> None:
    for number in range(MOST_ASIDE + 5):
        put(store, "ada", f"x{number}")
        the_file(folder).write_bytes(b"damaged")
        assert text(store, fresh="y") == "y"
    assert len(aside(folder)) == MOST_ASIDE


def test_a_good_file_is_not_set_aside_for_a_bad_one_before_it(store: FileStore, folder: Path) -> None:
    """Damage is judged again under the lock: whoever had it may have put a good file there."""
    put(store, "ada", "stored")
    good = the_file(folder).read_bytes()
    the_file(folder).write_bytes(b"damaged")
    opened = store.opened()
    assert opened is not None
    entry = opened.entry("tokens", ("token", ("kind", "ada"), ("api://app/.default",), None, False))
    got: list[str] = []
    with entry.turn(wait=0) as have:
        assert have
        late = threading.Thread(target=lambda: got.append(text(store, fresh="late")))
        late.start()
        late.join(0.05)
        assert the_file(folder).read_bytes() == b"damaged"
        the_file(folder).write_bytes(good)
    late.join(30)
    assert got == ["stored"]
    assert not aside(folder)


def test_what_killed_processes_left_is_cleared_away(store: FileStore, folder: Path) -> None:
    put(store, "ada", "x")
    old, young = folder / "tmp" / "old", folder / "tmp" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (NOW, NOW))
    put(FileStore(folder), "ada", "y")
    assert not old.exists()
    assert young.exists()


def test_a_folder_that_is_removed_meanwhile_is_made_again(store: FileStore, folder: Path) -> None:
    put(store, "ada", "x")
    shutil.rmtree(folder)
    assert text(store, fresh="y") == "y"
    assert text(store, fresh="z") == "y"


class Later(Want):
    """A flight at another time, with a token of an hour from then."""

    def __init__(self, name: str, after: float) -> None:
        super().__init__(name, takes=False)
        self._now = NOW + after

    def now(self) -> float:
        return self._now

    def acquire(self) -> Token:
        return Token("later", expires_on=self._now + 3600)


def test_what_has_long_expired_is_removed_once_a_day(store: FileStore, folder: Path) -> None:
    for name in ("ada", "eve"):
        store.through(Later(name, 0))
    store.through(Later("bob", 80_000))
    assert len(list((folder / "tokens").iterdir())) == 3  # a day has not gone by
    store.through(Later("cid", 86_400))
    assert len(list((folder / "tokens").iterdir())) == 2
    assert len(list((folder / "locks").iterdir())) == 2
    assert text(store, "bob") == "later"
    assert text(store, "ada") == "fresh"


def test_what_somebody_is_about_to_renew_or_another_key_sealed_is_not_removed(store: FileStore, folder: Path) -> None:
    store.through(Later("ada", 0))
    ada = the_file(folder)
    other = ada.with_name("0" * 16 + ada.name[16:])
    shutil.copy2(ada, other)
    with FileStore(folder).opened().entry("tokens", ("token", *Want("ada").key_under(b""))).turn(wait=0) as have:  # type: ignore[union-attr,misc]
        assert have
        store.through(Later("eve", 100_000))
    assert ada.exists()
    assert other.exists()


def test_a_secret_that_cannot_be_had_any_more_costs_no_token(store: FileStore, folder: Path) -> None:
    class Gone(Want):
        def key_under(self, secret: bytes) -> tuple[object, ...] | None:
            if self.acquired:
                raise ConfigurationError("the callable raised")
            return super().key_under(secret)

    assert store.through(Gone()) == "fresh"
    assert not list((folder / "tokens").iterdir())


def test_threads_open_it_once(folder: Path) -> None:
    opened = []

    class Slow(FileStore):
        def _open(self):  # type: ignore[no-untyped-def]
            opened.append(1)
            gate.wait(0.1)
            return super()._open()

    gate, store = threading.Event(), Slow(folder)
    threads = [threading.Thread(target=store.opened) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="what is open is not told here")
def test_no_descriptor_is_left_open(store: FileStore, folder: Path) -> None:
    def opened() -> list[str]:
        """Files of the store: what others of this process have open comes and goes."""
        paths = []
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                paths.append(os.readlink(f"/proc/self/fd/{number}"))
        return [path for path in paths if path.startswith(str(folder.parent.resolve()))]

    put(store, "ada", "x")
    for _ in range(20):
        put(store, "ada", "x")
        text(store)
        the_file(folder).write_bytes(b"damaged")
        text(store)
    assert opened() == []
    with the_file(folder).open():
        assert opened() == [str(the_file(folder).resolve())]


def test_writing_costs_the_same_with_ten_thousand_users(store: FileStore, folder: Path) -> None:
    """What one write does, counted in calls of the system and of Python."""
    counts = {}
    for total in (0, 10_000):
        put(store, "ada", "x")
        file = next((folder / "tokens").iterdir()).read_bytes()
        for number in range(total):
            (folder / "tokens" / f"{file[4:12].hex()}-{number:064}").write_bytes(b"")
        counts[total] = _steps(lambda: put(store, "ada", "y"))
    assert counts[10_000] == counts[0]


def _steps(call: Callable[[], None]) -> int:
    counted = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    gc.disable()  # a collection calls others' callbacks, and comes when it comes
    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted
