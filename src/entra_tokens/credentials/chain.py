"""Chain: the first credential that applies here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..acquiring import current
from ..errors import ConfigurationError, CredentialUnavailable, EntraTokensError
from .value import Value, identity_under

if TYPE_CHECKING:
    from ..request import TokenRequest
    from ..token import Token
    from .protocol import Credential

__all__ = ["Chain", "Verdict"]


class Verdict(NamedTuple):
    """What a member of a chain said when it was last asked.

    Args:
        name: The member's.
        error: Why it gave no token; None: it gave one.
        seconds: How long it took.
    """

    name: str
    error: EntraTokensError | None
    seconds: float


class Chain(Value):
    """Tries credentials in order and stays with the first that is available.

    `CredentialUnavailable` means "not here" and the next one is tried; any other error means "here, but broken" and
    ends the attempt. After a failure of the one it stayed with, it starts from the first again. Any number of threads
    may acquire at once. `verdicts` tells what each member said in the latest attempt, and how long it took. Pickles if
    its members do.

    Args:
        *credentials: In order of preference; objects with azure-core's `get_token` are wrapped.

    Raises:
        ConfigurationError: There are none, or one is no credential.
    """

    def __init__(self, *credentials: Any) -> None:
        if not credentials:
            raise ConfigurationError("A Chain needs at least one credential.")
        self.members: tuple[Credential, ...] = tuple(_member(credential) for credential in credentials)
        self._stayed: Credential | None = None
        self.verdicts: tuple[Verdict, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The members' identities, in order."""
        return ("chain", *(repr(tuple(member.identity)) for member in self.members))

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """The members' identities for a store; None where any member has none."""
        members = [identity_under(member, key) for member in self.members]
        return None if None in members else ("chain", *map(repr, members))

    @property
    def interactive(self) -> bool:
        """Whether any member may need a person."""
        return any(getattr(member, "interactive", False) for member in self.members)

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token from the first member that is available.

        Raises:
            CredentialUnavailable: None is; the text says why for each.
            EntraTokensError: One is, and failed.
        """
        reasons: list[str] = []
        verdicts: list[Verdict] = []
        clock = current().clock
        stayed, self._stayed = self._stayed, None  # back in place only when it has succeeded
        for member in self.members if stayed is None else (stayed, *self.members):
            if member is stayed and reasons:
                continue  # it came first
            started = clock.boot()

            def told(error: EntraTokensError | None, member: Any = member, started: float = started) -> None:
                kept = None if error is None else error.copy()  # without the frames
                verdicts.append(Verdict(_name(member), kept, clock.boot() - started))
                self.verdicts = tuple(verdicts)

            try:
                token = member.acquire(request)
            except CredentialUnavailable as error:
                told(error)
                took = f" ({verdicts[-1].seconds:.2f} s)"
                why = (error.message or "not available").removeprefix(f"{_name(member)}: ")
                reasons.append(f"  {_name(member)}: {why}{took}")
            except EntraTokensError as error:
                told(error)
                raise
            else:
                told(None)
                self._stayed = member
                return token
        raise CredentialUnavailable("\n".join([self._none(), *reasons]), anchor="chains")

    def _none(self) -> str:
        return f"{self!r}: none of its {len(self.members)} credentials is available here."

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_name(member) for member in self.members)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.members


def _name(member: object) -> str:
    name = getattr(member, "name", None)
    return name if isinstance(name, str) else type(member).__name__


def _member(credential: Any) -> Credential:
    from .azure_identity import AzureIdentity
    from .protocol import Credential

    if isinstance(credential, type):
        raise ConfigurationError(f"{credential.__name__} is a class: pass an instance, {credential.__name__}(...).")
    if isinstance(credential, Credential):
        return credential
    if callable(getattr(credential, "get_token", None)):
        return AzureIdentity(credential)
    raise ConfigurationError(
        f"A {type(credential).__name__} is not a credential: it has neither acquire() nor get_token()."
    )
