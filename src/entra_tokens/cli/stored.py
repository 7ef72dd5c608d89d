"""What is stored for these settings, read without a request, a lock or the engine: all that a good one costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..acquiring import Acquiring, SignIns, acquiring
from ..engine.clock import SYSTEM_CLOCK
from ..engine.key import key_under
from ..request import TokenRequest, to_scopes
from ..stores.sign_ins import sign_in_files
from .credential import credential_of, store_of

if TYPE_CHECKING:
    from ..stores.protocol import Stored
    from ..token import Token
    from .settings import Settings

__all__ = ["handed_out", "is_good", "look"]

_LEFT = 300.0  # seconds of life that a token must have where nobody says: what follows the command has time to begin
_CLOCK_STEP = 60.0  # seconds; a token from further in the future says that this machine's clock was set back


def look(settings: Settings) -> Stored | None:
    """The token that is stored, good or not.

    Raises:
        ConfigurationError: Something is missing or cannot be right.
    """
    request = TokenRequest(to_scopes(settings.needed_scope()))
    credential = credential_of(settings)
    with acquiring(Acquiring(sign_ins=SignIns(sign_in_files))):
        return store_of().stored(lambda secret: key_under(secret, credential, request))


def is_good(stored: Stored, min_ttl: float | None = None) -> bool:
    """Whether it will do without asking for another.

    Args:
        stored: What is stored.
        min_ttl: Seconds of life that it must have. None: five minutes, or half its life where that is less; and the
            instant at which the authority wants it renewed must not be over.
    """
    token, now = stored.token, SYSTEM_CLOCK.wall()
    if not stored.acquired - _CLOCK_STEP <= now < token.expires_on:
        return False
    left = token.expires_on - now
    if min_ttl is not None:
        return left >= min_ttl
    due = token.refresh_on is not None and now >= token.refresh_on
    return not due and left >= min(_LEFT, (token.expires_on - stored.acquired) / 2)


def handed_out(stored: Stored) -> Token:
    """The token with the instant to renew it, whether or not the authority named one."""
    from ..engine.policy import RefreshPolicy, refresh_instant
    from ..token import Token

    token = stored.token
    refresh_on = refresh_instant(RefreshPolicy(), stored.acquired, token.expires_on, token.refresh_on, _middle)
    return Token(str(token), expires_on=token.expires_on, refresh_on=refresh_on, scopes=token.scopes)


def _middle(low: float, high: float) -> float:
    """No draw: who asks twice is told the same."""
    return (low + high) / 2
