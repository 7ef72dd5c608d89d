"""Errors as exit statuses, and as the text that a person reads."""

from __future__ import annotations

from ..errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
    InteractionRequired,
    StoreError,
    TokenTimeout,
)

__all__ = [
    "DEFECT",
    "DONE",
    "INTERRUPTED",
    "MISCONFIGURED",
    "NO_CREDENTIAL",
    "PERSON_NEEDED",
    "REFUSED",
    "UNAVAILABLE",
    "USAGE",
    "SignInNeeded",
    "ending",
    "missing_extra",
]

DONE, DEFECT, USAGE, NO_CREDENTIAL, REFUSED, PERSON_NEEDED, UNAVAILABLE, MISCONFIGURED = 0, 1, 2, 3, 4, 5, 6, 7
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class SignInNeeded(EntraTokensError):
    """Somebody has to sign in; the text says what to type.

    Args:
        why: What happened.
        command: What to type.
    """

    def __init__(self, why: str, command: str) -> None:
        super().__init__(f"{why}\nType: {command}")


# What to type next where the error itself does not know the command.
_NEXT = {
    NO_CREDENTIAL: "Type 'entra-tokens doctor' to see what works here, or 'entra-tokens login' to sign in yourself.",
    UNAVAILABLE: "Try again; 'entra-tokens doctor' tells whether it is the network, a proxy or a certificate.",
}

# The first that fits decides.
_STATUSES: tuple[tuple[type[EntraTokensError], int], ...] = (
    (CredentialUnavailable, NO_CREDENTIAL),
    (SignInNeeded, PERSON_NEEDED),
    (InteractionRequired, PERSON_NEEDED),
    (AuthenticationFailed, REFUSED),
    (AuthorityUnavailable, UNAVAILABLE),
    (TokenTimeout, UNAVAILABLE),
    (ConfigurationError, MISCONFIGURED),
    (StoreError, MISCONFIGURED),
)


def ending(error: Exception) -> tuple[int, str]:
    """The exit status for an error, and what to tell the person; never a traceback."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status, f"{error}\n{_NEXT[status]}" if status in _NEXT else str(error)
    if isinstance(error, EntraTokensError):
        return DEFECT, str(error)
    if isinstance(error, OSError):
        what = error.strerror or type(error).__name__
        return MISCONFIGURED, f"{error.filename}: {what}." if error.filename else f"{what}."
    # The text of a foreign error may hold anything, secrets too.
    return DEFECT, (
        f"something went wrong that should not have: {type(error).__name__} at {_place(error)}. Please report it, with "
        "the command as you typed it (without secrets) and the output of 'entra-tokens --version'."
    )


def missing_extra(error: ModuleNotFoundError, extra: str) -> ConfigurationError:
    """What to raise where a part that needs an extra cannot be imported."""
    return ConfigurationError(
        f'This needs the package {error.name!r}, which is not installed. Type: pip install "entra-tokens[{extra}]"'
    )


def _place(error: BaseException) -> str:
    """Where in this package it came up: the module and the line."""
    place, trace = "?", error.__traceback__
    root = __name__.partition(".")[0]
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == root:
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
