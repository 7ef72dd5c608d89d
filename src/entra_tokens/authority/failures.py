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

__all__ = ["foreign_origin", "refusal", "unavailable"]

_TRANSIENT = frozenset({"temporarily_unavailable", "server_error"})
_TRANSIENT_CODES = frozenset({90033, 90024, 90006, 50033, 90055})
_INTERACTIVE = frozenset({"interaction_required", "login_required"})
_INTERACTIVE_SUBERRORS = frozenset(
    {"basic_action", "additional_action", "token_expired", "bad_token", "user_password_expired"}
)
_INTERACTIVE_CODES = frozenset(
    {50055, 50058, 50072, 50074, 50076, 50078, 50079, 50132, 50133, 50158, 50173, 70008, 70043, 700082, 700084}
)
_CONSENT_CODES = frozenset({65001, 90094})
_CREDENTIAL_ERRORS = frozenset({"invalid_client", "unauthorized_client"})
_CREDENTIAL_CODES = frozenset(
    {50126, 70021, 70025, 700016, 700024, 700027, 700211, 700212, 700213, 7000215, 7000218, 7000222}
)
_LONGEST = 600  # characters of somebody else's text in a message
_AADSTS = re.compile(r"AADSTS(\d{4,8})")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_TRAILER = re.compile(r"\s*(?:Trace ID|Correlation ID|Timestamp):.*", re.IGNORECASE)


def refusal(
    answer: Mapping[str, Any],
    *,
    who: str,
    status: int | None = None,
    retry_after: float | None = None,
    secrets: tuple[str, ...] = (),
) -> EntraTokensError:
    """The error for an answer that holds `error`.

    Args:
        answer: The body's JSON object.
        who: The credential, for the message; without a secret.
        status: The answer's HTTP status.
        retry_after: Seconds of quiet that the answer asked for.
        secrets: What must not appear, should the authority repeat it.
    """
    error = _name(answer.get("error"), secrets)
    suberror = _name(answer.get("suberror"), secrets)
    description = redact(str(answer.get("error_description") or answer.get("message") or ""), *secrets)
    codes = _codes(answer, description)
    text, hint = _words(error, description, codes)
    correlation_id = _name(answer.get("correlation_id") or answer.get("correlationId"), secrets)
    message = f"{who} was refused: {text}{f' {hint}' if hint else ''}"
    if correlation_id:
        message += f" Correlation id: {correlation_id}."
    throttled = status == 429 or (status is not None and status >= 500)
    if throttled or error in _TRANSIENT or _TRANSIENT_CODES.intersection(codes):
        return AuthorityUnavailable(message, retry_after=retry_after, status=status)
    claims = answer.get("claims")
    return _class(error, suberror, codes)(
        message,
        error=error,
        codes=codes,
        description=description[:_LONGEST] or None,
        suberror=suberror,
        claims=claims if isinstance(claims, str) and claims and not any(one in claims for one in secrets) else None,
        correlation_id=correlation_id,
        hint=hint or None,
    )


def unavailable(
    who: str, why: str, *, status: int | None = None, retry_after: float | None = None
) -> AuthorityUnavailable:
    """The error for no usable answer."""
    quiet = f" It asks for {retry_after:g} s of quiet." if retry_after else ""
    return AuthorityUnavailable(f"{who}: {why}.{quiet}", retry_after=retry_after, status=status)


def foreign_origin(who: str, authority: str) -> AuthorityUnavailable:
    """The error for a discovery document that would send the secret elsewhere."""
    return unavailable(
        who, f"the discovery document of {authority} names an address of another origin; nothing was sent to it"
    )


def _class(error: str | None, suberror: str | None, codes: tuple[int, ...]) -> type[AuthenticationFailed]:
    if "consent_required" in (error, suberror) or _CONSENT_CODES.intersection(codes):
        return ConsentRequired
    if error in _CREDENTIAL_ERRORS or _CREDENTIAL_CODES.intersection(codes):
        return InvalidCredential
    if error in _INTERACTIVE or suberror in _INTERACTIVE_SUBERRORS or _INTERACTIVE_CODES.intersection(codes):
        return InteractionRequired
    return AuthenticationFailed


def _words(error: str | None, description: str, codes: tuple[int, ...]) -> tuple[str, str]:
    """What happened, and the next step."""
    for code in codes:
        found = explain(code)
        if found is not None:
            return f"{found.meaning.rstrip('.')} (AADSTS{code}).", found.remedy
    said = _TRAILER.sub("", description)[:_LONGEST].strip()
    return f"{said or 'the authority gave no reason'}{f' ({error})' if error else ''}.", ""


def _codes(answer: Mapping[str, Any], description: str) -> tuple[int, ...]:
    listed = answer.get("error_codes")
    if isinstance(listed, list) and listed and all(type(code) is int for code in listed):
        return tuple(listed[:10])
    return tuple(dict.fromkeys(int(code) for code in _AADSTS.findall(description)))


def _name(value: Any, secrets: tuple[str, ...]) -> str | None:
    """A machine-readable name of the authority's, or None for anything that is more than one, or a secret."""
    if isinstance(value, dict):
        value = value.get("code")  # Service Fabric, Cloud Shell: {"error": {"code": ..., "message": ...}}
    if not isinstance(value, str) or not _NAME.fullmatch(value) or redact(value, *secrets) != value:
        return None
    return value
