"""What `watch` watches: the token of these settings, kept fresh, and what else is stored here."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..authority.redact import redact
from ..engine.clock import SYSTEM_CLOCK, Signal
from ..errors import EntraTokensError
from ..stores.protocol import Stored
from . import claims
from .credential import provider_of, store_of
from .plainly import without_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from ..engine.status import TokenEvent
    from ..provider import TokenProvider
    from ..token import Token
    from .settings import Settings

__all__ = ["Row", "Watched"]

_AGAIN = 5.0  # seconds between looks into the store, and between tries where nothing is held


@dataclass(frozen=True)
class Row:
    """One token, or the want of one; no secret is in it.

    Args:
        scopes: What it is for.
        who: Whose it is, as its claims say.
        state: `fresh`, `stale`, `expired`, `none`; `stored`: another program's business.
        expires_on: Epoch seconds.
        refresh_on: Epoch seconds; None: nobody here renews it.
        renewals: How often it came in this process.
        failures: How often it did not since it last did.
        error: Why not, the last time.
        next_attempt: Epoch seconds before which nobody asks again.
    """

    scopes: str
    who: str
    state: str
    expires_on: float | None = None
    refresh_on: float | None = None
    renewals: int = 0
    failures: int = 0
    error: str | None = None
    next_attempt: float | None = None


class Watched:
    """Keeps the token of these settings fresh, for as long as it is entered.

    Args:
        settings: Of this run; without a scope there is only the store to look at.
        news: Called with each event, on whatever thread.
    """

    def __init__(self, settings: Settings, news: Callable[[TokenEvent], None]) -> None:
        self._store = store_of()
        self._provider: TokenProvider | None = None
        if settings.scope:
            self._provider = provider_of(settings, keep_fresh=True, on_event=news)
        self._scope = settings.scope or ""
        self._token: Token | None = None
        self._error: str | None = None
        self._over = Signal()
        self._stored: list[tuple[str, Row]] = []
        self._looked = float("-inf")

    def __enter__(self) -> Self:
        if self._provider is not None:
            threading.Thread(target=self._get, args=(self._provider,), name="entra-tokens-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _get(self, provider: TokenProvider) -> None:
        """Be the caller who wants a token whenever there is none: what is held is renewed without one."""
        while not self._over.is_set():
            try:
                self._token, self._error = provider.token(), None
            except EntraTokensError as error:
                self._error = error.message
            self._over.wait(_AGAIN if self._token is None else 1.0)

    def rows(self) -> list[Row]:
        """How things are at this instant."""
        return [*self._own(), *self._others()]

    def _own(self) -> list[Row]:
        if self._provider is None:
            return []
        status, token = self._provider.status(), self._token
        error = status.last_error or (self._error if status.state in ("none", "expired") else None)
        return [
            Row(
                self._scope,
                claims_of(token) if token is not None else "",
                status.state,
                status.expires_on,
                status.refresh_on,
                status.renewals,
                status.failures,
                redact(without_name(error)) if error else None,
                status.next_attempt,
            )
        ]

    def _others(self) -> list[Row]:
        now = SYSTEM_CLOCK.boot()
        if now - self._looked >= _AGAIN:
            self._looked = now
            self._stored = self._look()
        own = str(self._token) if self._token is not None else None
        alive = SYSTEM_CLOCK.wall()
        return [row for value, row in self._stored if value != own and (row.expires_on or 0) > alive]

    def _look(self) -> list[tuple[str, Row]]:
        path = self._store.path
        if path is None or not path.exists():
            return []  # a look makes no store
        opened = self._store.opened()
        if opened is None:
            return []
        found = [entry.token for _, entry in opened.entries("tokens", Stored)]
        rows = [
            (str(token), Row(" ".join(token.scopes), claims_of(token), "stored", token.expires_on)) for token in found
        ]
        return sorted(rows, key=lambda each: (each[1].scopes, -(each[1].expires_on or 0)))


def claims_of(token: Token) -> str:
    """Whose token it is."""
    try:
        found = token.claims()
    except ValueError:  # opaque: nobody but its resource can read it
        return ""
    application = claims.application(found)
    return claims.user(found) or (f"application {application}" if application else "")
