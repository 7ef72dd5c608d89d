"""azure-core's and azure-identity's errors become ours."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from ..acquiring import current
from ..authority.failures import refusal, unavailable
from ..authority.redact import redact
from ..authority.retry_after import parse_retry_after
from ..errors import AuthenticationFailed, CredentialUnavailable, EntraTokensError, InteractionRequired

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["says_no_answer", "translated"]

# What azure-identity says when no usable answer came: it wraps transport errors, 5xx and bodies that are no JSON into
# the error that otherwise means a refusal.
_NO_ANSWER = re.compile(
    r"HTTP Error: (?:429|5\d\d)|Expecting value|Too Many Requests|Max retries exceeded|timed out|Connection (?:aborted|"
    r"refused|reset)|Temporary failure in name resolution|Failed to establish a new connection|Remote end closed",
    re.IGNORECASE,
)
_LONGEST = 600


def translated(
    error: BaseException, *, who: str, anchor: str = "other-credentials", sign_in: str | None = None
) -> EntraTokensError:
    """Our error for a foreign one. Its text is redacted; it is not kept as a cause, its frames hold secrets."""
    core, identity = sys.modules.get("azure.core.exceptions"), sys.modules.get("azure.identity")
    text = redact(str(getattr(error, "message", None) or error))[:_LONGEST]
    if identity is not None:
        if isinstance(error, identity.AuthenticationRequiredError):
            return InteractionRequired(f"{who}: {text}", claims=getattr(error, "claims", None), anchor=anchor)
        if isinstance(error, identity.CredentialUnavailableError):
            return CredentialUnavailable(f"{who}: {text}", anchor=anchor)
    if core is None or not isinstance(error, core.AzureError):
        return AuthenticationFailed(f"{who}: get_token() raised {type(error).__name__}: {text}", anchor=anchor)
    status, retry_after = _response(error)
    if status is not None and (status == 429 or status >= 500):
        return unavailable(who, f"the authority answered HTTP {status}", status=status, retry_after=retry_after)
    if isinstance(error, core.HttpResponseError):
        no_answer = isinstance(error, core.ClientAuthenticationError) and "AADSTS" not in text
        if no_answer and (says_no_answer(text) or _transport(error, core)):
            return unavailable(who, text.rstrip("."))
        return refusal(
            {"error_description": text},
            who=who,
            status=status,
            retry_after=retry_after,
            sign_in=sign_in,
            anchor=anchor,
        )
    return unavailable(who, text.rstrip("."))


def says_no_answer(text: str) -> bool:
    """Whether a library's or command's words mean that no usable answer came."""
    return bool(_NO_ANSWER.search(text))


def _response(error: Any) -> tuple[int | None, float | None]:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    headers = getattr(response, "headers", None) or {}
    try:
        after = parse_retry_after(headers.get("Retry-After"), now=current().clock.wall(), date=headers.get("Date"))
    except (AttributeError, TypeError):
        after = None
    return (status if isinstance(status, int) else None), after


def _transport(error: BaseException, core: Any) -> bool:
    return any(isinstance(cause, (core.ServiceRequestError, core.ServiceResponseError)) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        inner = getattr(cause, "inner_exception", None)
        cause = cause.__cause__ or cause.__context__ or (inner if isinstance(inner, BaseException) else None)
