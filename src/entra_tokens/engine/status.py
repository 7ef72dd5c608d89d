"""What a provider tells about itself: a picture (`status()`) and news (`on_event`). Neither holds a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..record import Record

if TYPE_CHECKING:
    from ..errors import EntraTokensError
    from .backoff import Backoff
    from .cell import Cell

__all__ = ["EventKind", "ProviderStatus", "State", "TokenEvent", "news", "picture"]

State = Literal["none", "fresh", "stale", "expired"]
EventKind = Literal["renewed", "renewal_failed", "expired", "invalidated"]


class ProviderStatus(Record):
    """What is held for a provider's default scope at one instant.

    Args:
        state: `none` (never had one), `fresh`, `stale` (good, and to be renewed) or `expired`.
        expires_on: Epoch seconds at which the held token expires.
        refresh_on: Epoch seconds at which it becomes stale.
        last_error: Text of the last failed attempt, None after a success.
        renewals: Tokens received so far.
        failures: Attempts failed so far.
        next_attempt: Epoch seconds before which a back-off forbids the next renewal; None where nothing does.
    """

    state: State
    expires_on: float | None
    refresh_on: float | None
    last_error: str | None
    renewals: int
    failures: int
    next_attempt: float | None

    def __init__(
        self,
        state: State,
        expires_on: float | None = None,
        refresh_on: float | None = None,
        last_error: str | None = None,
        renewals: int = 0,
        failures: int = 0,
        next_attempt: float | None = None,
    ) -> None:
        self._set(
            state=state,
            expires_on=expires_on,
            refresh_on=refresh_on,
            last_error=last_error,
            renewals=renewals,
            failures=failures,
            next_attempt=next_attempt,
        )


class TokenEvent(Record):
    """One piece of news about a token.

    Args:
        kind: What happened.
        key_digest: Tells one identity and scope from another within this process, and nothing else.
        at: Epoch seconds.
        scopes: What the token is for.
        expires_on: When the token held after the event expires.
        refresh_on: When it becomes stale.
        error: Why a renewal failed.
    """

    kind: EventKind
    key_digest: str
    at: float
    scopes: tuple[str, ...]
    expires_on: float | None
    refresh_on: float | None
    error: EntraTokensError | None

    def __init__(
        self,
        kind: EventKind,
        key_digest: str,
        at: float,
        scopes: tuple[str, ...],
        expires_on: float | None = None,
        refresh_on: float | None = None,
        error: EntraTokensError | None = None,
    ) -> None:
        self._set(
            kind=kind,
            key_digest=key_digest,
            at=at,
            scopes=scopes,
            expires_on=expires_on,
            refresh_on=refresh_on,
            error=error,
        )


def picture(cell: Cell, backoff: Backoff) -> ProviderStatus:
    """The status of a cell, whose lock is held."""
    held, wall, boot = cell.held, cell.wall(), cell.boot()
    state: State = "none"
    if held is not None:
        state = "stale" if held.stale(wall, boot) else "fresh"
        state = state if held.usable(wall, boot) else "expired"
    return ProviderStatus(
        state=state,
        expires_on=held.token.expires_on if held else None,
        refresh_on=held.token.refresh_on if held else None,
        last_error=str(backoff.last_error) if backoff.last_error else None,
        renewals=cell.renewals,
        failures=backoff.failures,
        next_attempt=wall + (backoff.next_try - boot) if backoff.next_try > boot else None,
    )


def news(cell: Cell, kind: EventKind, key_digest: str, error: EntraTokensError | None) -> TokenEvent:
    """An event of a cell, as of this instant."""
    held = cell.held
    return TokenEvent(
        kind=kind,
        key_digest=key_digest,
        at=cell.wall(),
        scopes=cell.request.scopes,
        expires_on=held.token.expires_on if held else None,
        refresh_on=held.token.refresh_on if held else None,
        error=error.copy() if error is not None else None,
    )
