"""What a provider tells about itself: a picture (`status()`) and news (`on_event`). Neither holds a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..errors import EntraTokensError

__all__ = ["EventKind", "ProviderStatus", "State", "TokenEvent"]

State = Literal["none", "fresh", "stale", "expired"]
EventKind = Literal["renewed", "renewal_failed", "expired", "invalidated"]


@dataclass(frozen=True)
class ProviderStatus:
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
    expires_on: float | None = None
    refresh_on: float | None = None
    last_error: str | None = None
    renewals: int = 0
    failures: int = 0
    next_attempt: float | None = None


@dataclass(frozen=True)
class TokenEvent:
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
    expires_on: float | None = None
    refresh_on: float | None = None
    error: EntraTokensError | None = None
