"""Turning what somebody else's code raises into one of our errors, without carrying its secrets along."""

from __future__ import annotations

from types import CoroutineType

from ..errors import AuthenticationFailed, EntraTokensError

__all__ = ["as_our_error", "name_of", "no_token"]


def as_our_error(error: BaseException, credential: object) -> EntraTokensError:
    """The error itself if it is ours, else an AuthenticationFailed that names the credential and the foreign type.

    The foreign text is not repeated: nobody knows what a stranger's message holds. It is the `__cause__`, for whoever
    debugs the credential; tracebacks would keep their frames' locals alive, so they are dropped, those of the errors
    that it was raised from included.
    """
    _drop_frames(error)
    if isinstance(error, EntraTokensError):
        return error
    ours = AuthenticationFailed(
        f"{name_of(credential)} raised {type(error).__name__} instead of returning a token. If the credential is "
        "yours, raise CredentialUnavailable or AuthenticationFailed from acquire(); the cause is attached.",
        anchor="other-credentials",
    )
    ours.__cause__ = error
    return ours


def no_token(answer: object, credential: object) -> EntraTokensError:
    """The error for an `acquire()` that returned something else than a Token."""
    remedy = "return Token(value, expires_on=...)"
    if isinstance(answer, CoroutineType):
        answer.close()
        remedy = "acquire() runs on a thread of its own: make it a plain function, not async"
    return AuthenticationFailed(
        f"{name_of(credential)}.acquire() returned {type(answer).__name__}, not a Token. If the credential is yours, "
        f"{remedy}.",
        anchor="other-credentials",
    )


def _drop_frames(error: BaseException) -> None:
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        each = todo.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            todo += (each.__cause__, each.__context__)


def name_of(credential: object) -> str:
    """What messages call a credential."""
    name = getattr(credential, "name", None)
    return name if isinstance(name, str) else type(credential).__name__
