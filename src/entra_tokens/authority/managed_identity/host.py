"""What every managed-identity host has in common: a question, an answer, and who is meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from ...acquiring import current
from ...errors import AuthenticationFailed, CredentialUnavailable, EntraTokensError
from ..answers import to_token
from ..failures import refusal, unavailable
from ..redact import Secrets, redact
from ..retry_after import parse_retry_after
from .exchange import Limits, Reply, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...token import Token
    from .selector import Selector

__all__ = ["IDENTITY_NOT_FOUND", "Host", "ask", "asked", "hiccups"]

# Whoever waits for a first token should not see one hiccup of a host that is just starting; the engine's back-off
# does the rest, so two requests are the most.
_QUICK_RETRY = 0.5  # seconds
_ITS_OWN = frozenset({404, 410, 429})
_HICCUPS = frozenset({404, 500, 502, 503, 504})


def hiccups(status: int) -> tuple[float, ...]:
    """Seconds before each further try of a host that has no rules of its own."""
    return (_QUICK_RETRY,) if status in _HICCUPS else ()


class Host(Protocol):
    """One kind of place that gives managed-identity tokens, with what the environment said about it."""

    @property
    def name(self) -> str:
        """Its usual name, for messages."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """What tells its answers from another's, without a secret."""
        ...

    def check(self, selector: Selector) -> None:
        """Raise ConfigurationError if this host cannot select so."""
        ...

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        ...


def ask(
    send: Callable[[], Reply],
    scopes: tuple[str, ...],
    *,
    who: str,
    secrets: Sequence[str] = (),
    sure: bool = True,
    confirm: Callable[[Mapping[str, Any]], None] | None = None,
    pauses: Callable[[int], tuple[float, ...]] = hiccups,
) -> Token:
    """Ask for a token, and after a brief failure ask again while somebody waits for it.

    Args:
        send: Makes the request.
        scopes: Become the token's.
        who: The credential and its host, for messages.
        secrets: What must not appear in an error.
        sure: Whether somebody said that the host is here; if not, a refusal that is not in its language is not its own.
        confirm: Given a good answer, raises if it is not the one that was asked for.
        pauses: Given a status, the seconds before each further try.

    Raises:
        CredentialUnavailable: This is not that host.
        AuthorityUnavailable: No usable answer.
        AuthenticationFailed: The host refused.
    """
    around = current()
    tried = 0
    while True:
        asked_at = around.clock.wall()
        reply = send()
        retry_after = parse_retry_after(reply.headers.get("retry-after"), now=asked_at, date=reply.headers.get("date"))
        body = _object(reply)
        # In background renewal nobody waits, and a host that names a time knows best: both are the engine's.
        if around.may_prompt and retry_after is None and not _no_identity(body):
            waits = pauses(reply.status) if sure or body is not None else hiccups(reply.status)
            if tried < len(waits) and not around.clock.sleep(waits[tried], around.abandoned):
                tried += 1
                continue
        if reply.status == 200 and body is not None and "access_token" in body:
            if confirm is not None:
                confirm(body)
            return to_token(body, scopes, asked_at=asked_at, who=who)
        if not sure and body is None and 400 <= reply.status < 500 and reply.status not in _ITS_OWN:
            raise CredentialUnavailable(
                f"{who}: something else answers there (HTTP {reply.status}). This is not that host; elsewhere use "
                "another credential.",
                anchor=_ANCHOR,
            )
        raise _failure(reply, body, retry_after, who, Secrets(secrets))


def asked(
    url: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    scopes: tuple[str, ...],
    limits: Limits,
    *,
    who: str,
    secrets: Sequence[str] = (),
) -> Token:
    """`ask` with one GET, which is all that most hosts want."""
    return ask(lambda: exchange(url, headers, limits, who=who, query=query), scopes, who=who, secrets=secrets)


def _failure(
    reply: Reply, body: dict[str, Any] | None, retry_after: float | None, who: str, secrets: Secrets
) -> EntraTokensError:
    status = reply.status
    if status == 403 and b"unreachable" in reply.body:
        # Docker Desktop's own network answers for 169.254.169.254.
        return CredentialUnavailable(
            f"{who}: the network says that there is no such host (HTTP 403). Elsewhere use another credential.",
            anchor=_ANCHOR,
        )
    if 300 <= status < 400:
        why = f"the host answered with a redirect (HTTP {status}), which is not followed"
        return unavailable(who, why, step=_WHO_ELSE, status=status, retry_after=retry_after, anchor=_ANCHOR)
    if (status in _ITS_OWN or status >= 500) and not _no_identity(body):
        why = {
            404: "the identity is being set up, or this host gives none",
            410: "the host is being updated; that takes up to 70 s",
            429: "the host is throttling",
        }.get(status, "the host failed")
        said = f": {_said(body, secrets)}" if _said(body, secrets) else ""
        return unavailable(who, f"{why} (HTTP {status}){said}", status=status, retry_after=retry_after, anchor=_ANCHOR)
    if body is None:
        why = f"the host answered HTTP {status} without a JSON object"
        return unavailable(who, why, step=_WHO_ELSE, status=status, retry_after=retry_after, anchor=_ANCHOR)
    if status == 200:
        return unavailable(who, "the answer holds no access token", step=_WHO_ELSE, status=status, anchor=_ANCHOR)
    step = _NO_IDENTITY if _no_identity(body) else None
    error = refusal(body, who=who, status=status, retry_after=retry_after, secrets=secrets, step=step, anchor=_ANCHOR)
    if step is not None:
        return AuthenticationFailed(error.message, error=IDENTITY_NOT_FOUND, hint=step, anchor=_ANCHOR)
    return error


IDENTITY_NOT_FOUND = "identity_not_found"
_ANCHOR = "managed-identity"
_WHO_ELSE = "Check who listens at that address."
_NO_IDENTITY = (
    "No such managed identity is assigned to this host: assign it, or correct client_id, object_id or resource_id; "
    "without any of them the host needs a system-assigned identity or exactly one user-assigned one."
)


def _no_identity(body: Mapping[str, Any] | None) -> bool:
    text = f"{(body or {}).get('error_description')} {(body or {}).get('message')}".lower()
    return (
        "identity not found" in text
        or "no user assigned or delegated managed identity" in text
        or "no managed identity found" in text
    )


def _said(body: Mapping[str, Any] | None, secrets: Secrets) -> str:
    text = (body or {}).get("error_description") or (body or {}).get("message")
    return redact(text, *secrets)[:300].rstrip(".") if isinstance(text, str) else ""


def _object(reply: Reply) -> dict[str, Any] | None:
    """The answer's JSON object, an error's parts under the names that most hosts give them."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    inner = body.get("error")
    if isinstance(inner, dict):  # Service Fabric, Cloud Shell
        return {**body, **inner, "error": inner.get("code")}
    if "ErrorCode" in body:  # 2017-09-01
        names = {"error": "ErrorCode", "message": "Message", "correlationId": "CorrelationId"}
        return {**body, **{name: body.get(theirs) for name, theirs in names.items()}}
    return body
