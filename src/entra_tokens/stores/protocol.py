"""What a second level behind memory is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..token import Token

__all__ = ["Store"]


class Store(Protocol):
    """Keeps tokens beyond this process. Called on a flight's thread only, never on a caller's."""

    def through(self, key: tuple[object, ...], acquire: Callable[[], Token]) -> Token:
        """The token under this key: one that another process has put there, or else the one that `acquire()` gets.

        It may hold others of the same key back while one acquires. It must not fail because it is itself unusable:
        then it just calls `acquire()`.
        """
        ...
