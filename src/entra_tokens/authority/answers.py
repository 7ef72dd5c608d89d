"""A good answer becomes a Token, or it was not a good answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import AuthorityUnavailable, ConfigurationError
from ..token import Token
from .expiry import expiry_of, number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["to_token"]


def to_token(answer: Mapping[str, Any], scopes: tuple[str, ...], *, asked_at: float, who: str) -> Token:
    """Turn an authority's answer into a Token.

    Args:
        answer: The body's JSON object.
        scopes: What was asked for; they become the token's, whatever else was granted.
        asked_at: Epoch seconds just before the request was sent: lifetimes count from there.
        who: The credential, for messages.

    Raises:
        AuthorityUnavailable: No usable token is in it, or the one that is has run out already.
    """
    value = answer.get("access_token")
    if not isinstance(value, str) or not value:
        raise AuthorityUnavailable(f"{who}: the answer holds no access token. {_NEXT}")
    kind = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise AuthorityUnavailable(f"{who}: the answer's token is not a bearer token. {_NEXT}")
    expires_on = expiry_of(answer, value, asked_at=asked_at)
    if expires_on is None:
        raise AuthorityUnavailable(f"{who}: nothing in the answer says when the token expires. {_NEXT}")
    if expires_on <= asked_at:
        raise AuthorityUnavailable(
            f"{who}: the answer's token has already expired. Compare this machine's clock with the right time.",
            anchor="the-clock",
        )
    try:
        return Token(value, expires_on=expires_on, refresh_on=_refresh_on(answer, asked_at, expires_on), scopes=scopes)
    except ConfigurationError:
        pass
    raise AuthorityUnavailable(f"{who}: the answer's token is not one line of printable ASCII. {_NEXT}")


_NEXT = "Check that the address is really the token service and that no proxy rewrites its answers."


def _refresh_on(answer: Mapping[str, Any], asked_at: float, expires_on: float) -> float | None:
    seconds = number(answer.get("refresh_in"))
    if seconds is None or seconds <= 0 or asked_at + seconds >= expires_on:
        return None
    return asked_at + seconds
