"""What a second level behind memory is, and what a flight tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..record import Record

if TYPE_CHECKING:
    from ..engine.clock import Signal
    from ..token import Token

__all__ = ["Store", "Stored", "Wanted"]


class Stored(Record):
    """A token as a store has it.

    Args:
        token: With the refresh instant that the authority named, if it did.
        acquired: When its request was sent, epoch seconds.
    """

    token: Token
    acquired: float

    _hidden = ("token",)

    def __init__(self, token: Token, acquired: float) -> None:
        self._set(token=token, acquired=acquired)


class Wanted(Protocol):
    """What a flight wants. The engine decides which stored token will do; a store keeps, finds and takes turns."""

    @property
    def wait(self) -> float:
        """Seconds that waiting for another process's acquisition may take."""
        ...

    @property
    def abandoned(self) -> Signal:
        """Set when nobody waits for an interactive acquisition any more."""
        ...

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def key_under(self, secret: bytes) -> tuple[object, ...] | None:
        """Whose token for what, the same in every process that has the store's secret.

        Digests of secrets in it are keyed with that. None: no other process can mean the same; nothing is stored.
        """
        ...

    def will_do(self, stored: Stored) -> bool:
        """Whether this token may be used instead of a new one."""
        ...

    def acquire(self) -> Token:
        """Get a new token from the authority.

        Raises:
            EntraTokensError: There is none.
        """
        ...


class Store(Protocol):
    """Keeps tokens beyond this process. Called on a flight's thread only, never on a caller's."""

    def through(self, wanted: Wanted) -> Token | Stored:
        """A token that another process has put there and that will do, or else the one that `wanted.acquire()` gets.

        It may hold others of the same key back while one acquires. It must not fail because it is itself unusable:
        then it just returns `wanted.acquire()`.

        Raises:
            EntraTokensError: What `wanted.acquire()` raised.
        """
        ...
