"""An authority's refusal becomes the right error, in words that help.

`error` and `suberror` decide, as Microsoft asks (https://learn.microsoft.com/entra/identity-platform/reference-error-codes);
numbers only where those two say less than a caller has to know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConsentRequired,
    EntraTokensError,
    InteractionRequired,
    InvalidCredential,
)
from .aadsts import explain
from .redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .aadsts import Meaning

__all__ = [
    "foreign_origin",
    "person_needed",
    "refusal",
    "said_safely",
    "says_why",
    "unavailable",
    "unreachable",
]

_NETWORK = "proxies-and-certificates"  # the anchor of what goes wrong on the way to an authority

_TRANSIENT = frozenset({"temporarily_unavailable", "server_error"})
_INTERACTIVE = frozenset({"interaction_required", "login_required"})
# What MSAL calls them: https://learn.microsoft.com/dotnet/api/microsoft.identity.client.uirequiredexceptionclassification
# The last four it keeps to itself: the sign-in that is remembered is of no use any more. `message_only` decides
# nothing: where `error` asks for a person, the person is only told why not.
_INTERACTIVE_SUBERRORS = frozenset(
    {
        "basic_action",
        "additional_action",
        "user_password_expired",
        "bad_token",
        "token_expired",
        "client_mismatch",
        "device_authentication_failed",
    }
)
_UNMANAGED = "protection_policy_required"  # comes as unauthorized_client, and no secret is wrong
_CREDENTIAL_ERRORS = frozenset({"invalid_client", "unauthorized_client"})
_LOOP = 50196
# It is sent to who asks the same about 15 times in 5 minutes, without a Retry-After; this is a third of that.
# https://learn.microsoft.com/entra/identity-platform/reference-breaking-changes
_LOOP_QUIET = 60.0  # seconds
_LATER = "Ask again in a while."
_STEPS = {  # for what the table of numbers lacks: by suberror, or by the error that it is raised as
    _UNMANAGED: "Ask an administrator for another way: the policy wants an app that Intune manages.",
    "message_only": "Find the reason in Entra's sign-in log by the correlation id; signing in again does not help.",
    "user_password_expired": "Change the password, then sign in again.",
    "ConsentRequired": "Have an administrator grant consent to the application, or sign in in person and consent.",
    "InteractionRequired": "Sign in again.",
    "InvalidCredential": "Check the client ID, and the secret, certificate or assertion that goes with it.",
    "AuthenticationFailed": "Ask whoever administers the tenant, and name the correlation id.",
    "AuthorityUnavailable": _LATER,
}
_LONGEST = 600  # characters of somebody else's text in a message
_AADSTS = r"AADSTS(\d{4,8})"
_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NAME = r"[A-Za-z0-9_.-]{1,80}"
_TRAILER = r"(?i)\s*(?:Trace ID|Correlation ID|Timestamp):.*"


def refusal(
    answer: Mapping[str, Any],
    *,
    who: str,
    status: int | None = None,
    retry_after: float | None = None,
    secrets: tuple[str, ...] = (),
    step: str | None = None,
    sign_in: str | None = None,
    anchor: str | None = None,
) -> EntraTokensError:
    """The error for an answer that holds `error`.

    Args:
        answer: The body's JSON object.
        who: The credential, for the message; without a secret.
        status: The answer's HTTP status.
        retry_after: Seconds of quiet that the answer asked for.
        secrets: What must not appear, should the authority repeat it.
        step: The next step, if the credential knows a better one than the table of numbers.
        sign_in: The command by which a person signs in: the next step where one is needed, or may be.
        anchor: The place in `docs/troubleshooting.md`, for a number that the table lacks.
    """
    error = _name(answer.get("error"), secrets)
    suberror = _name(answer.get("suberror"), secrets)
    description = redact(str(answer.get("error_description") or answer.get("message") or ""), *secrets)
    codes = _codes(answer, description)
    known = next((found for found in map(explain, codes) if found is not None), None)
    throttled = status == 429 or (status is not None and status >= 500)
    refused = None if throttled or error in _TRANSIENT else _class(error, suberror, codes)
    if step is None and sign_in is not None and refused is InteractionRequired:
        step = f"Run '{sign_in}'."
    elif step is None and sign_in is not None and refused is AuthenticationFailed and known is None:
        step = f"If a person has to sign in again, run '{sign_in}'."
    elif step is None:
        step = known.step if known else _STEPS.get(suberror or "") or _STEPS[(refused or AuthorityUnavailable).__name__]
    verb = " was refused" if refused else ""
    message = f"{who}{verb}: {_what(error, description, known)} {step}"
    correlation_id = _name(answer.get("correlation_id") or answer.get("correlationId"), secrets)
    if correlation_id:
        message += f" Correlation id: {correlation_id}."
    if known is not None:
        anchor = known.anchor
    if refused is None:
        if retry_after is None and _LOOP in codes:
            retry_after = _LOOP_QUIET
        return AuthorityUnavailable(message, retry_after=retry_after, status=status, anchor=anchor)
    claims = answer.get("claims")
    return refused(
        message,
        error=error,
        codes=codes,
        description=description[:_LONGEST] or None,
        suberror=suberror,
        claims=claims if isinstance(claims, str) and claims and not any(one in claims for one in secrets) else None,
        correlation_id=correlation_id,
        hint=step,
        anchor=anchor,
    )


def unavailable(
    who: str,
    why: str,
    *,
    step: str = _LATER,
    status: int | None = None,
    retry_after: float | None = None,
    anchor: str | None = None,
) -> AuthorityUnavailable:
    """The error for no usable answer.

    Args:
        who: The credential.
        why: What happened, without a full stop.
        step: The next step, if there is a better one than to wait.
        status: The answer's HTTP status, if there was one.
        retry_after: Seconds of quiet that the answer asked for.
        anchor: The place in `docs/troubleshooting.md`.
    """
    if retry_after and step == _LATER:
        step = f"Ask again after the {retry_after:g} s of quiet that it asks for."
    return AuthorityUnavailable(f"{who}: {why}. {step}", retry_after=retry_after, status=status, anchor=anchor)


def says_why(answer: Mapping[str, Any]) -> bool:
    """Whether an answer has a number that the table explains."""
    return any(explain(code) is not None for code in _codes(answer, ""))


def said_safely(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What of an answer can hold nothing that was sent: its numbers, and an id that is one."""
    correlation_id = answer.get("correlation_id")
    known = isinstance(correlation_id, str) and re.fullmatch(_ID, correlation_id)
    return {"error_codes": answer.get("error_codes"), "correlation_id": correlation_id if known else None}


def foreign_origin(who: str, authority: str) -> AuthorityUnavailable:
    """The error for a discovery document that would send the secret elsewhere."""
    return unavailable(
        who,
        f"the discovery document of {authority} names an address of another origin; nothing was sent to it",
        step="Check that the authority is Entra's and that no proxy rewrites its answers.",
        anchor=_NETWORK,
    )


def unreachable(who: str, where: str, why: str | Exception) -> AuthorityUnavailable:
    """The error for an authority from which no answer came.

    Args:
        who: The credential.
        where: The authority.
        why: What happened; an exception says it in its own words, or in the words of what caused it, if that was a
            certificate.
    """
    step = "Check the network, the proxy settings and the address."
    if isinstance(why, Exception):
        untrusted = _certificate_error(why)
        if untrusted is not None:
            step = "Name the CA that signed it with verify= or SSL_CERT_FILE."
        why = untrusted or str(why) or type(why).__name__
    return unavailable(who, f"{where} cannot be reached: {redact(why)}".rstrip("."), step=step, anchor=_NETWORK)


def _certificate_error(error: BaseException) -> str | None:
    import ssl

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({seen.verify_message})"
        seen = seen.__cause__ or seen.__context__
    return None


def _class(error: str | None, suberror: str | None, codes: tuple[int, ...]) -> type[AuthenticationFailed] | None:
    """The class of a refusal; None where it only says that now is not the time."""
    kinds = {found.kind for found in map(explain, codes) if found is not None}
    if AuthorityUnavailable.__name__ in kinds:
        return None
    if "consent_required" in (error, suberror) or "ConsentRequired" in kinds:
        return ConsentRequired
    if suberror == _UNMANAGED:
        return AuthenticationFailed
    if "InvalidCredential" in kinds or (error in _CREDENTIAL_ERRORS and not kinds):
        return InvalidCredential
    if error in _INTERACTIVE or suberror in _INTERACTIVE_SUBERRORS or "InteractionRequired" in kinds:
        return InteractionRequired
    return AuthenticationFailed


def person_needed(reason: AuthenticationFailed) -> InteractionRequired:
    """The same refusal as the error that says so: of what only a person can give again."""
    if isinstance(reason, InteractionRequired):
        return reason
    return InteractionRequired(
        reason.message,
        error=reason.error,
        codes=reason.codes,
        description=reason.description,
        suberror=reason.suberror,
        claims=reason.claims,
        correlation_id=reason.correlation_id,
        hint=reason.hint,
        anchor=vars(reason).get("anchor"),
    )


def _what(error: str | None, description: str, known: Meaning | None) -> str:
    if known is not None:
        return f"{known.meaning.rstrip('.')} (AADSTS{known.code})."
    said = re.sub(_TRAILER, "", description)[:_LONGEST].strip().rstrip(".")
    return f"{said or 'the authority gave no reason'}{f' ({error})' if error else ''}."


def _codes(answer: Mapping[str, Any], description: str) -> tuple[int, ...]:
    listed = answer.get("error_codes")
    if isinstance(listed, list) and listed and all(type(code) is int for code in listed):
        return tuple(listed[:10])
    return tuple(dict.fromkeys(int(code) for code in re.findall(_AADSTS, description)))


def _name(value: Any, secrets: tuple[str, ...]) -> str | None:
    """A machine-readable name of the authority's, or None for anything that is more than one, or a secret."""
    if isinstance(value, dict):
        value = value.get("code")  # Service Fabric, Cloud Shell: {"error": {"code": ..., "message": ...}}
    if not isinstance(value, str) or not re.fullmatch(_NAME, value) or redact(value, *secrets) != value:
        return None
    return value
