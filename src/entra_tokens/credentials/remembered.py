"""The sign-in that a credential uses: in its process, and on disk where it is to survive that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .sign_in import SignIn

if TYPE_CHECKING:
    import ssl
    from collections.abc import MutableMapping

    from ..authority.options import AuthorityOptions
    from ..stores.lock import FileLock
    from ..stores.records import KeptSignIn
    from ..stores.sign_ins import SignInFiles

__all__ = ["Remembered", "application"]


def application(options: AuthorityOptions, tenant_id: str, client_id: str) -> tuple[str, ...]:
    """Of what a sign-in is one. However it was made, it serves every credential of that application and tenant.

    One that came without TLS being checked may be anybody's, and is never handed to who checks. The proxy does not
    count: TLS goes through it, and a laptop changes it several times a day.
    """
    verify = options.verify
    checked = bool(verify) if isinstance(verify, (bool, str)) else _checks(verify)
    return options.authority, tenant_id.lower(), client_id, "verified" if checked else "unverified"


def _checks(context: ssl.SSLContext) -> bool:
    import ssl  # 10 ms, which a command that finds its token stored need not spend

    return context.verify_mode == ssl.CERT_REQUIRED


class Remembered:
    """One credential's sign-in. Any thread may call anything.

    The files are the truth: another process may have renewed it, or signed its account out. A process stays with the
    account that it began with, whoever signs in elsewhere. What could not be written is remembered in memory.

    Args:
        identity: Whose it is: the credential's identity but for whether it may ask.
        memory: The process's sign-ins by identity.
        files: What keeps them beyond it, if anything does.
        app: `application()`.
        account: Only this account will do.
    """

    def __init__(
        self,
        identity: tuple[str, ...],
        memory: MutableMapping[tuple[str, ...], Any],
        files: SignInFiles | None,
        app: tuple[str, ...],
        account: str | None,
    ) -> None:
        self._identity = identity
        self._memory = memory
        self._files = files
        self._app = app
        self._account = account

    def get(self) -> SignIn | None:
        """The sign-in to use."""
        mine: SignIn | None = self._memory.get(self._identity)
        if self._files is None or (mine is not None and not mine.stored):
            return mine
        if mine is not None:
            try:
                found = self._files.read(self._app, mine.who)
            except LookupError:
                self._memory.pop(self._identity, None)
            else:
                return self._only_here(mine) if found is None else self._use(found)
        return self.latest()

    def latest(self) -> SignIn | None:
        """The sign-in of whoever signed in last, here or in another process; it is the one to use from then on."""
        found = None if self._files is None else self._files.find(self._app, self._account)
        mine: SignIn | None = self._memory.get(self._identity)
        if found is None or (mine is not None and not mine.stored and mine.signed_in >= found.signed_in):
            return mine
        return self._use(found)

    def put(self, sign_in: SignIn, renewing: SignIn | None = None) -> None:
        """Remember a sign-in, on disk first: with rotation, one that is lost cannot be had again."""
        stored = False
        if self._files is not None:
            kept = _kept(sign_in)
            if renewing is None or not renewing.stored:
                stored = self._files.write(self._app, kept)
            elif renewing.renewal == sign_in.renewal:
                stored = True
            else:
                stored = self._files.write(self._app, kept, renewing=renewing.renewal)
        self._memory[self._identity] = sign_in.replaced(stored=stored)

    def drop(self, sign_in: SignIn) -> None:
        """Forget a sign-in that the authority no longer takes, unless another has taken its place."""
        if self._files is not None:
            self._files.remove(self._app, sign_in.who, sign_in.renewal)
        mine = self._memory.get(self._identity)
        if mine is not None and mine.renewal == sign_in.renewal:
            del self._memory[self._identity]

    def turn(self) -> FileLock | None:
        """The right to prompt, among the processes of this machine."""
        return None if self._files is None else self._files.turn(self._app, self._account)

    def asked_elsewhere(self) -> bool:
        """Whether another process has that right."""
        lock = self.turn()
        try:
            if lock is None or not lock.acquire():
                return lock is not None
        except OSError:  # no locks here
            return False
        lock.release()
        return False

    def _only_here(self, mine: SignIn) -> SignIn:
        """Its file is damaged, or cannot be read now: the next renewal writes it again."""
        self._memory[self._identity] = mine = mine.replaced(stored=False)
        return mine

    def _use(self, found: KeptSignIn) -> SignIn:
        mine: SignIn | None = self._memory.get(self._identity)
        sign_in = SignIn(found.renewal, found.username, found.names, found.who, found.signed_in, stored=True)
        if mine is not None and mine == sign_in:
            return mine
        self._memory[self._identity] = sign_in
        return sign_in


def _kept(sign_in: SignIn) -> KeptSignIn:
    from ..stores.records import KeptSignIn

    return KeptSignIn(sign_in.renewal, sign_in.who, sign_in.username, sign_in.names, sign_in.signed_in)
