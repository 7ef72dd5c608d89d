"""The sign-ins of people, one file an account, beyond the process that they were made in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .file import SIGN_INS, TOKENS, FileStore
from .home import store_folder
from .lock import FileLock
from .protocol import Stored
from .records import Account, KeptSignIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .file import Entry

__all__ = ["SignInFiles", "sign_in_files"]

_WAIT = 2.0  # seconds for the lock around one read and one write


class SignInFiles:
    """Sign-ins by application and account. Any thread and any process may call anything.

    An application here is `(authority, tenant, client id, "verified" or "unverified")`: whether TLS was checked decides
    whom a sign-in may come from.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: FileStore) -> None:
        self.store = store

    def find(self, app: tuple[str, ...], account: str | None = None) -> KeptSignIn | None:
        """The one that is of this account; None: of whoever signed in last."""
        newest: KeptSignIn | None = None
        for entry, found in self._all():
            if _app_of(entry) != app or (account is not None and account.lower() not in found.names):
                continue
            if newest is None or found.signed_in > newest.signed_in:
                newest = found
        return newest

    def read(self, app: tuple[str, ...], who: str) -> KeptSignIn | None:
        """One account's; None: it cannot be read at this moment.

        Raises:
            LookupError: There is none: somebody has signed that account out.
        """
        entry = self._entry(app, who)
        if entry is None:
            return None
        if not entry.exists():
            raise LookupError
        return entry.read(KeptSignIn)

    def write(self, app: tuple[str, ...], sign_in: KeptSignIn, *, renewing: str | None = None) -> bool:
        """Keep a sign-in.

        Args:
            app: Of which application.
            sign_in: What to keep.
            renewing: The refresh token that it came from. It then replaces nothing that a person did meanwhile: a
                later sign-in stays, and who was signed out stays so.

        Returns:
            Whether it is kept; also True where it must not be.
        """
        entry = self._entry(app, sign_in.who)
        if entry is None:
            return False
        with entry.turn(wait=_WAIT):
            if renewing is not None:
                found = entry.read(KeptSignIn)
                if found is None and not entry.exists():
                    return True
                if found is not None and found.signed_in > sign_in.signed_in:
                    return True
            return entry.write(sign_in)

    def remove(self, app: tuple[str, ...], who: str, renewal: str) -> None:
        """Forget an account whose refresh token the authority no longer takes, unless another has come meanwhile."""
        entry = self._entry(app, who)
        if entry is None:
            return
        with entry.turn(wait=_WAIT):
            found = entry.read(KeptSignIn)
            if found is not None and found.renewal == renewal:
                entry.remove()

    def turn(self, app: tuple[str, ...], account: str | None) -> FileLock | None:
        """The right to prompt on this machine for this application and account; None: there is no telling whose."""
        entry = self._entry(app, f"turn of {account or ''}".lower())
        return None if entry is None else FileLock(entry.lock)

    def accounts(self) -> tuple[Account, ...]:
        """Everybody who is signed in, whoever signed in last first."""
        found = [_account(entry, kept) for entry, kept in self._all()]
        return tuple(sorted(found, key=lambda account: -account.signed_in))

    def forget(self, account: str | None = None) -> tuple[Account, ...]:
        """Sign out: remove an account's sign-ins, and the access tokens of people from the same applications.

        Args:
            account: A user name or object id; None: everybody.

        Returns:
            Who was signed out.
        """
        gone, apps = [], set()
        for entry, kept in list(self._all()):
            if account is None or account.lower() in kept.names:
                with entry.turn(wait=_WAIT):
                    entry.remove()
                apps.add(_app_of(entry)[:3])
                gone.append(_account(entry, kept))
        opened = self.store.found()
        for entry, _ in list(opened.entries(TOKENS, Stored)) if opened is not None and apps else ():
            if _is_of(entry, apps):
                entry.remove()
        return tuple(gone)

    def _all(self) -> Iterator[tuple[Entry, KeptSignIn]]:
        opened = self.store.found()
        if opened is not None:
            yield from opened.entries(SIGN_INS, KeptSignIn)

    def _entry(self, app: tuple[str, ...], who: str) -> Entry | None:
        opened = self.store.opened()
        return None if opened is None else opened.entry(SIGN_INS, ("sign-in", app, who))


def _app_of(entry: Entry) -> tuple[str, ...]:
    key = entry.key or ()
    app = key[1] if len(key) == 3 else ()
    return app if isinstance(app, tuple) and len(app) == 4 else ("", "", "", "")


def _account(entry: Entry, kept: KeptSignIn) -> Account:
    authority, tenant_id, client_id, _ = _app_of(entry)
    return Account(kept.username, authority, tenant_id, client_id, kept.signed_in)


def _is_of(entry: Entry, apps: set[tuple[str, ...]]) -> bool:
    """Whether a token may be a person's, of one of these applications: one too many that goes costs one request."""
    # As text, because that is how members stand in a chain's identity.
    identity = repr(entry.key)
    return any(all(repr(part) in identity for part in app) for app in apps)


_files: dict[str | None, SignInFiles] = {}


def sign_in_files() -> SignInFiles:
    """Those of this user, in the default folder as it is at this moment."""
    return _files.setdefault(store_folder(), SignInFiles(FileStore()))
