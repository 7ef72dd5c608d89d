"""Errors leave here without the frames of those who held secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..errors import AuthorityUnavailable, EntraTokensError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["guarded"]

T = TypeVar("T")


def guarded(call: Callable[[], T], *, who: str, causes: bool = False) -> T:
    """Call, and let nothing out but our own errors, each without traceback, cause and context of what is below.

    msal's and our own frames hold form bodies, codes and tokens; error reporters (Sentry and the like) send locals
    away. What is not one of our errors is one kind of nonsense in the answer, and is named by its class alone.

    Args:
        call: What to do.
        who: The credential, for messages.
        causes: Whether a cause may stay: where all that is below has been guarded, it is what a user's own function
            raised, and the user's to see.
    """
    failure: EntraTokensError
    try:
        return call()
    except EntraTokensError as error:
        failure = error.copy()
        failure.__cause__ = error.__cause__ if causes else None
    except Exception as error:
        failure = AuthorityUnavailable(
            f"{who}: the answer cannot be understood ({type(error).__name__}). Check that the address is really the "
            "token service and that no proxy rewrites its answers.",
            anchor="proxies-and-certificates",
        )
    try:
        raise failure
    finally:
        del failure  # or the frame and its error would hold each other
