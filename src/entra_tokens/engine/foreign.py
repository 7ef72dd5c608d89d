"""Turning what somebody else's code raises into one of our errors, without carrying its secrets along."""

from __future__ import annotations

from ..errors import AuthenticationFailed, EntraTokensError

__all__ = ["as_our_error", "name_of"]


def as_our_error(error: BaseException, credential: object) -> EntraTokensError:
    """The error itself if it is ours, else an AuthenticationFailed that names the credential and the foreign type.

    The foreign text is not repeated: nobody knows what a stranger's message holds. It is the `__cause__`, for whoever
    debugs the credential; a traceback would keep its frames' locals alive, so that is dropped.
    """
    if isinstance(error, EntraTokensError):
        return error.with_traceback(None)
    ours = AuthenticationFailed(
        f"{name_of(credential)} raised {type(error).__name__} instead of returning a token. If the credential is "
        "yours, raise CredentialUnavailable or AuthenticationFailed from acquire(); the cause is attached."
    )
    ours.__cause__ = error.with_traceback(None)
    return ours


def name_of(credential: object) -> str:
    """What messages call a credential."""
    name = getattr(credential, "name", None)
    return name if isinstance(name, str) else type(credential).__name__
