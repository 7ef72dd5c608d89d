"""FileStore: tokens and sign-ins in sealed files, shared by the processes of one user on one machine."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from ..engine.clock import SYSTEM_CLOCK
from ..engine.workers import after_fork_in_child, importing
from ..errors import GUIDE, EntraTokensError, StoreError
from ..record import Record
from .folder import Folder, NotTrusted, go_on, is_nowhere
from .home import store_folder
from .keys import KEYRING_WAIT, installed_keyring, key_for
from .lock import holding
from .once import warn_once
from .protocol import Stored
from .records import KeptSignIn, from_json, to_json
from .sealed import Seal, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ..engine.clock import Signal
    from ..token import Token
    from .protocol import Wanted
    from .records import Account

__all__ = ["Entry", "FileStore"]

T = TypeVar("T", Stored, KeptSignIn)

TOKENS, SIGN_INS, LOCKS = "tokens", "sign-ins", "locks"
_TRY_AGAIN = 60.0  # seconds after which a folder that could not be used is tried again
_MEMORY_ONLY = f"Nothing is kept beyond this process; tokens are held in memory as always. See {GUIDE}#the-store."


class FileStore:
    """Keeps tokens in files, so that processes share them: one asks the authority, the others read.

    One sealed file a key (AES-GCM), for this user alone; damaged and foreign files are set aside and count as absent.
    Where nothing can be stored (no home, a full or read-only disk) it warns once, and everything works from memory.
    Any number of threads and processes may use one folder at once. Pickles: it holds nothing but the path. The
    constructor does no I/O.

    Args:
        path: The folder. None: `store` in `ENTRA_TOKENS_HOME`, else in the user's data folder.
    """

    _step = staticmethod(go_on)
    _keyring = staticmethod(installed_keyring)
    _keyring_wait = KEYRING_WAIT

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._given = None if path is None else os.path.abspath(os.path.expanduser(os.fspath(path)))
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._shut_until = float("-inf")
        after_fork_in_child(self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    @property
    def path(self) -> Path | None:
        """The folder; None: there is no home to have it in."""
        from pathlib import Path

        folder = self._place()
        return None if folder is None else Path(folder)

    def _place(self) -> str | None:
        """The same as a text: `pathlib` is 3 ms of a process that only wants a stored token."""
        return store_folder() if self._given is None else self._given

    def through(self, wanted: Wanted) -> Token | Stored:
        """A stored token that will do, or a new one; while one process acquires, others of the same key wait for it.

        Raises:
            EntraTokensError: What acquiring raised.
        """
        opened = self.opened()
        key = None if opened is None else wanted.key_under(opened.seal.digest_key)
        if opened is None or key is None:
            return wanted.acquire()
        entry = opened.entry(TOKENS, ("token", *key))
        stored = entry.read(Stored)
        if stored is not None and wanted.will_do(stored):
            return stored
        with entry.turn(wait=wanted.wait, abandoned=wanted.abandoned) as have:
            stored = entry.read(Stored, mine=bool(have))
            if stored is not None and wanted.will_do(stored):
                return stored
            asked = wanted.now()
            token = wanted.acquire()
            if have is not False and _same(key, wanted, opened.seal):
                entry.write(Stored(token, asked), until=token.expires_on)
        opened.folder.sweep(TOKENS, LOCKS, opened.seal.id, wanted.now())
        return token

    def stored(self, key_under: Callable[[bytes], tuple[object, ...] | None]) -> Stored | None:
        """What is stored under a key, however old; waits for nobody and changes nothing.

        Args:
            key_under: Whose token for what, given the secret that digests in it are to be keyed with.

        Raises:
            EntraTokensError: What `key_under` raised.
        """
        opened = self.found()
        key = None if opened is None else key_under(opened.seal.digest_key)
        return None if opened is None or key is None else opened.entry(TOKENS, ("token", *key)).read(Stored)

    def accounts(self) -> tuple[Account, ...]:
        """Who is signed in with `DeviceCode` or a browser, whoever signed in last first; no secret is in it."""
        from .sign_ins import SignInFiles

        return SignInFiles(self).accounts()

    def forget(self, account: str | None = None) -> tuple[Account, ...]:
        """Sign out on this machine: remove sign-ins, and the stored access tokens of their applications.

        Other processes notice when they next renew. At the authority the sign-in stays valid; revoke it there.

        Args:
            account: A user name or object id; None: everybody.

        Returns:
            Who was signed out.
        """
        from .sign_ins import SignInFiles

        return SignInFiles(self).forget(account)

    def opened(self) -> _Opened | None:
        """The folder and its seal, opened at first use; None: it cannot be used, and the user has been warned."""
        opened = self._opened
        if opened is not None and opened.folder.is_there(LOCKS):
            return opened
        with self._lock:
            if self._opened is not opened:  # another thread was here meanwhile
                return self._opened
            if SYSTEM_CLOCK.boot() >= self._shut_until:
                try:
                    self._opened = self._open()
                except StoreError as error:
                    self._opened = None
                    self._shut_until = SYSTEM_CLOCK.boot() + _TRY_AGAIN
                    warn_once(f"{error.message} {_MEMORY_ONLY}")
            return self._opened

    def found(self) -> _Opened | None:
        """What `opened()` gives, where there is a folder: who only reads makes none, and no key for it."""
        path = self._place()
        return None if self._opened is None and path is not None and is_nowhere(path) else self.opened()

    def _open(self) -> _Opened:
        path = self._place()
        if path is None:
            raise StoreError("This user has no home folder; set ENTRA_TOKENS_HOME to a folder for entra-tokens.")
        with importing():  # 15 ms
            from cryptography.hazmat.primitives.ciphers import aead  # noqa: F401
        folder = Folder(path, self._step)
        folder.prepare(TOKENS, SIGN_INS, LOCKS)
        return _Opened(folder, Seal(key_for(path, self._keyring, self._keyring_wait, self._step)))

    def __repr__(self) -> str:
        return f"FileStore({self._given!r})" if self._given is not None else "FileStore()"

    def __eq__(self, other: object) -> bool:
        return other._given == self._given if isinstance(other, FileStore) else NotImplemented

    def __hash__(self) -> int:
        return hash((FileStore, self._given))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._given,)


class _Opened(Record):
    folder: Folder
    seal: Seal

    def __init__(self, folder: Folder, seal: Seal) -> None:
        self._set(folder=folder, seal=seal)

    def entry(self, part: str, key: tuple[object, ...]) -> Entry:
        return Entry(self.folder, self.seal, part, self.seal.name(key), key)

    def entries(self, part: str, kind: type[T]) -> Iterator[tuple[Entry, T]]:
        """Everything in one part that this key opens; what it should open and does not is set aside."""
        for name in self.folder.names(part):
            key_id, _, digest = os.path.basename(name).partition("-")
            if key_id == self.seal.id and len(digest) == 64 and digest.isalnum():
                entry = Entry(self.folder, self.seal, part, digest, None)
                content = entry.read(kind)
                if content is None:
                    with entry.turn(wait=0) as mine:
                        content = entry.read(kind, mine=bool(mine))
                if content is not None:
                    yield entry, content


class Entry:
    """One key's file. The key's id is in its name, so that one whose key cannot be had now is never touched."""

    def __init__(self, folder: Folder, seal: Seal, part: str, name: str, key: tuple[object, ...] | None) -> None:
        self._folder, self._seal = folder, seal
        self._name = name
        self.key: tuple[Any, ...] | None = key
        self.file: str = f"{part}/{seal.id}-{name}"
        self.lock: str = folder.at(f"{LOCKS}/{seal.id}-{name}")

    def turn(self, *, wait: float, abandoned: Signal | None = None) -> AbstractContextManager[bool | None]:
        """The lock of this entry, as `holding()` has it."""
        return holding(self.lock, wait=wait, abandoned=abandoned)

    def exists(self) -> bool:
        """Whether there is anything in its place."""
        return os.path.lexists(self._folder.at(self.file))

    def read(self, kind: type[T], *, mine: bool = False) -> T | None:
        """What is kept; None: nothing that can be used.

        Args:
            kind: What it must be.
            mine: Whether the caller holds this entry's lock. Then what cannot be used is set aside.
        """
        try:
            sealed = self._folder.read(self.file)
            if sealed is None:
                return None
            key, content = from_json(self._seal.open(self._name, sealed))
            if not isinstance(content, kind) or self._seal.name(_tuples(key)) != self._name:
                raise ValueError("another key")
        except (NotTrusted, Unreadable, ValueError):
            if mine:
                self._folder.set_aside(self.file)
            return None
        self.key = _tuples(key)
        return content

    def write(self, content: Stored | KeptSignIn, *, until: float | None = None) -> bool:
        """Keep it, until some epoch second if need be; False: it could not be, and the user has been warned."""
        sealed = self._seal.seal(self._name, to_json(self.key or (), content))
        try:
            self._folder.write(self.file, sealed, until)
        except OSError as error:
            why = error.strerror or type(error).__name__
            warn_once(f"{self._folder.path} cannot be written: {why}. {_MEMORY_ONLY}")
            return False
        return True

    def remove(self) -> None:
        self._folder.remove(self.file)


def _same(key: tuple[object, ...], wanted: Wanted, seal: Seal) -> bool:
    """Whether the token is still for whom it was wanted: a secret may have been rotated, a person have changed."""
    try:
        return wanted.key_under(seal.digest_key) == key
    except EntraTokensError:  # the secret cannot be had any more; the token is good all the same
        return False


def _tuples(key: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuples(each) if isinstance(each, list) else each for each in key)
