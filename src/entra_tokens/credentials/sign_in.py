"""What a person's sign-in leaves behind: the means to renew it, and who it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..record import Record
from ..token import unverified_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SignIn"]


class SignIn(Record):
    """A remembered sign-in.

    Args:
        renewal: The refresh token.
        username: The name that was signed in with, if the authority told.
        names: Every name that the account is known by, in lower case.
        who: The account's id, unique among those of one application.
        signed_in: When the person signed in, epoch seconds.
        stored: Whether it is kept beyond this process.
    """

    renewal: str
    username: str | None
    names: frozenset[str]
    who: str
    signed_in: float
    stored: bool

    _hidden = ("renewal",)

    def __init__(
        self,
        renewal: str,
        username: str | None = None,
        names: frozenset[str] = frozenset(),
        who: str = "?",  # of whom the authority told nothing
        signed_in: float = 0.0,
        stored: bool = False,
    ) -> None:
        self._set(renewal=renewal, username=username, names=names, who=who, signed_in=signed_in, stored=stored)

    @classmethod
    def from_answer(
        cls, answer: Mapping[str, Any], former: SignIn | None = None, *, now: float = 0.0, account: str | None = None
    ) -> SignIn | None:
        """The sign-in of a good answer. What it does not repeat stays as it was: authorities need not rotate.

        Args:
            answer: The body's JSON object.
            former: The sign-in that the answer renews.
            now: Epoch seconds.
            account: Who was asked to sign in; believed where the authority tells nothing.
        """
        renewal = answer.get("refresh_token")
        if not isinstance(renewal, str) or not renewal:
            return former
        if former is not None:
            return former.replaced(renewal=renewal)
        claims = _claims(answer.get("id_token"))
        told = [claims.get(name) for name in ("preferred_username", "upn", "email", "oid", "sub")]
        names = [name for name in told if isinstance(name, str) and name] or ([account] if account else [])
        # An object id is unique in its tenant; a user name may be given to somebody else one day.
        ids = [claims.get(name) for name in ("oid", "tid")]
        who = ".".join(map(str, ids)) if all(ids) else (names[0] if names else "?")
        username = names[0] if names else None
        return cls(renewal, username, frozenset(name.lower() for name in names), who.lower(), now)

    def is_of(self, account: str) -> bool:
        """Whether this may be that account's: an authority that told nothing is believed."""
        return not self.names or account.lower() in self.names


def _claims(token: Any) -> dict[str, Any]:
    # Not verified, and need not be: it came from the authority itself over TLS (OpenID Connect Core §3.1.3.7, 6).
    try:
        return unverified_claims(token) if isinstance(token, str) else {}
    except ValueError:
        return {}
