"""The errors, drawn before they are defined.

EntraTokensError
├── CredentialUnavailable      not this environment: a chain goes on to its next member
├── AuthenticationFailed       the authority said no
│   ├── InteractionRequired    a person has to sign in, or to sign in again
│   │   └── ConsentRequired    a person or an administrator has to consent
│   └── InvalidCredential      the secret, certificate or assertion is wrong or has run out
├── AuthorityUnavailable       no usable answer: network, 5xx, throttling, nonsense
├── ConfigurationError         (also a ValueError) a name, address or option is wrong
├── TokenTimeout               (also a TimeoutError) the caller's patience ended first
└── StoreError                 what was kept on disk or in Redis cannot be used

Attributes are the interface; the text is help for a person: what happened, which credential, what to do next, and the
place in the documents that says more. No error carries a secret, a token, a code or a form body.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuthenticationFailed",
    "AuthorityUnavailable",
    "ConfigurationError",
    "ConsentRequired",
    "CredentialUnavailable",
    "EntraTokensError",
    "InteractionRequired",
    "InvalidCredential",
    "StoreError",
    "TokenTimeout",
]


GUIDE = "docs/troubleshooting.md"
"""Where anchors are; the package has no address of its own on the web that could be named."""


class EntraTokensError(Exception):
    """Root of everything that this package raises on purpose.

    Two errors are equal when their class, text and attributes are; `copy()` gives an equal one of its own to each
    waiter, because an instance raised in many threads gathers the frames of all of them. All errors pickle.

    Args:
        message: What happened, which credential, what to do next.
        anchor: The place in `docs/troubleshooting.md` that says more, which `str()` of the error names after the
            message. None: the class's own, if it has one.
    """

    anchor: str | None = None

    def __init__(self, message: str = "", *, anchor: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if anchor is not None:
            self.anchor = anchor

    def copy(self) -> EntraTokensError:
        """Return an equal error without this one's traceback; the cause is kept."""
        twin = _restore(type(self), self.message, self._attributes())
        twin.__cause__ = self.__cause__
        twin.__suppress_context__ = True
        return twin

    def _attributes(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("__")}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.message, self._attributes())

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._attributes() == other._attributes()

    def __hash__(self) -> int:
        return hash((type(self), self.message))

    def __str__(self) -> str:
        if not self.message or not self.anchor:
            return self.message
        end = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{end} See {GUIDE}#{self.anchor}."


def _restore(kind: type[EntraTokensError], message: str, attributes: dict[str, Any]) -> EntraTokensError:
    """Build an error from its parts without asking a subclass what its constructor looks like."""
    error = kind.__new__(kind, message)
    error.args = (message,)
    vars(error).update(attributes)
    return error


class CredentialUnavailable(EntraTokensError):
    """The credential does not apply here (no such host, tool or variable): a chain goes on."""

    anchor: str | None = "not-available"


class AuthenticationFailed(EntraTokensError):
    """The authority refused, and asking again with the same input will not help.

    Args:
        message: What a person should read.
        error: OAuth 2.0 error code (RFC 6749 §5.2), such as `"invalid_client"`.
        codes: AADSTS numbers, such as `(7000215,)`.
        description: The authority's own text.
        suberror: Entra's finer reason, such as `"consent_required"`.
        claims: A claims challenge to pass on to whoever signs in again (JSON text).
        correlation_id: What Microsoft's support asks for.
        hint: The next step.
        anchor: As for every error.
    """

    anchor: str | None = "refused"

    def __init__(
        self,
        message: str = "",
        *,
        error: str | None = None,
        codes: tuple[int, ...] = (),
        description: str | None = None,
        suberror: str | None = None,
        claims: str | None = None,
        correlation_id: str | None = None,
        hint: str | None = None,
        anchor: str | None = None,
    ) -> None:
        super().__init__(message, anchor=anchor)
        self.error = error
        self.codes = codes
        self.description = description
        self.suberror = suberror
        self.claims = claims
        self.correlation_id = correlation_id
        self.hint = hint


class InteractionRequired(AuthenticationFailed):
    """A person has to sign in (again); background renewal never asks for it by itself."""

    anchor: str | None = "sign-in-needed"


class ConsentRequired(InteractionRequired):
    """The application lacks a person's or an administrator's consent."""

    anchor: str | None = "consent-needed"


class InvalidCredential(AuthenticationFailed):
    """The secret, certificate or assertion is wrong or expired, or the application is unknown or switched off."""

    anchor: str | None = "wrong-credential"


class AuthorityUnavailable(EntraTokensError):
    """No usable answer came back: try later.

    Args:
        message: What a person should read.
        retry_after: Seconds that the authority asked us to keep quiet, or None.
        status: HTTP status of the answer, or None where there was no answer.
        anchor: As for every error.
    """

    anchor: str | None = "no-answer"

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float | None = None,
        status: int | None = None,
        anchor: str | None = None,
    ) -> None:
        super().__init__(message, anchor=anchor)
        self.retry_after = retry_after
        self.status = status


class ConfigurationError(EntraTokensError, ValueError):
    """A tenant, scope, address, option or secret cannot be right; nothing was sent."""

    anchor: str | None = "configuration"


class TokenTimeout(EntraTokensError, TimeoutError):
    """The wait ended before a token came; the request itself goes on for whoever else waits."""

    anchor: str | None = "timeouts"


class StoreError(EntraTokensError):
    """A store cannot be read or written; the provider goes on from memory."""

    anchor: str | None = "the-store"
