"""StaticToken: a token that somebody else got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ..acquiring import current
from ..authority.expiry import number
from ..errors import ConfigurationError, InvalidCredential
from ..token import Token, unverified_claims
from .fingerprint import fingerprint
from .value import Value, refuse_pickling

if TYPE_CHECKING:
    from ..request import TokenRequest

__all__ = ["StaticToken"]


class StaticToken(Value):
    """Hands out one given token until it expires; for tests, notebooks and one-off calls.

    Any number of threads may acquire at once. Does not pickle: it holds a token.

    Args:
        token: The token itself, without `Bearer `. It is handed out for every scope.
        expires_on: Epoch seconds at which it expires. None: its `exp` claim.

    Raises:
        ConfigurationError: It is not one line of printable ASCII, or nothing says when it expires.
    """

    tenant_id: str | None = None
    tenantless = True

    def __init__(self, token: str, expires_on: float | None = None) -> None:
        if isinstance(token, str) and token.lower().startswith("bearer "):
            raise ConfigurationError(
                "The token starts with 'Bearer '. Give the token alone; clients put the scheme in front of it."
            )
        if expires_on is None:
            expires_on = _own_expiry(token)
        self._token = Token(token, expires_on=expires_on)
        self._identity = ("static_token", fingerprint(str(token)), str(self._token.expires_on))

    @property
    def identity(self) -> tuple[str, ...]:
        """A digest of the token, and its expiry."""
        return self._identity

    def identity_under(self, key: bytes) -> None:  # noqa: ARG002 - whatever the key
        """None: there is nothing to be gained by storing what is given."""
        return

    def acquire(self, request: TokenRequest) -> Token:
        """Give the token.

        Raises:
            InvalidCredential: It has expired.
        """
        if self._token.expires_on <= current().clock.wall():
            raise InvalidCredential(
                f"The token given to StaticToken expired on {self._token.exp:%Y-%m-%d %H:%M:%S} UTC, and a static "
                "token cannot be renewed. Give a new one, or use a credential that renews.",
                error="expired_token",
                anchor="other-credentials",
            )
        return Token(str(self._token), expires_on=self._token.expires_on, scopes=request.scopes)

    def __repr__(self) -> str:
        return f"StaticToken(<hidden>, expires_on={self._token.expires_on:.0f})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise refuse_pickling("StaticToken")


def _own_expiry(token: object) -> float:
    if isinstance(token, Token):
        return token.expires_on
    if not isinstance(token, str):
        raise ConfigurationError(f"A token must be a str, not {type(token).__name__}.")
    try:
        found = number(unverified_claims(token).get("exp"))
    except ValueError:
        found = None
    if found is None:
        raise ConfigurationError("The token does not say when it expires (no exp claim): give expires_on=.")
    return found
