"""What every managed-identity host has in common: a question, an answer, and who is meant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...acquiring import current
from ...errors import AuthenticationFailed, ConfigurationError, CredentialUnavailable, EntraTokensError
from ..answers import to_token
from ..failures import refusal, unavailable
from ..retry_after import parse_retry_after
from .get import Reply, get

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...token import Token

__all__ = ["IDENTITY_NOT_FOUND", "Host", "Selector", "ask"]

# Whoever waits for a first token should not see one hiccup of a host that is just starting; the engine's back-off
# does the rest, so two requests are the most.
_QUICK_RETRY = 0.5  # seconds
_ITS_OWN = frozenset({404, 410, 429})
_HICCUPS = frozenset({404, 500, 502, 503, 504})


@dataclass(frozen=True)
class Selector:
    """Which identity of the host is meant: at most one of the three; none: the system-assigned one.

    Args:
        client_id: Its client id.
        object_id: Its principal's object id.
        resource_id: Its ARM resource id.
    """

    client_id: str | None = None
    object_id: str | None = None
    resource_id: str | None = None

    def __post_init__(self) -> None:
        given = [name for name, value in vars(self).items() if value is not None]
        if len(given) > 1:
            raise ConfigurationError(f"Give one of client_id, object_id and resource_id, not {' and '.join(given)}.")
        for name in given:
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                raise ConfigurationError(f"{name} must be a non-empty line of printable characters.")

    def named(self, **names: str) -> dict[str, str]:
        """The query parameter for the identity, under the name that a host gives it.

        Raises:
            ConfigurationError: The host cannot select by it.
        """
        for name, value in vars(self).items():
            if value is not None:
                if name not in names:
                    raise ConfigurationError(f"This host cannot select a managed identity by {name}.")
                return {names[name]: value}
        return {}

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if value is not None)


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
    url: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    scopes: tuple[str, ...],
    *,
    connect: float,
    timeout: float,
    who: str,
    secrets: tuple[str, ...] = (),
    sure: bool = True,
) -> Token:
    """GET a token; one brief failure is asked again while somebody waits for it.

    Args:
        url: Where.
        query: What for.
        headers: What opens it.
        scopes: Become the token's.
        connect: Seconds to wait for the connection.
        timeout: Seconds for a request.
        who: The credential and its host, for messages.
        secrets: What must not appear in an error.
        sure: Whether somebody said that the host is here; if not, a refusal that is not in its language is not its own.

    Raises:
        CredentialUnavailable: This is not that host.
        AuthorityUnavailable: No usable answer.
        AuthenticationFailed: The host refused.
    """
    around = current()
    again = around.may_prompt  # False in background renewal, where nobody waits
    while True:
        asked_at = around.clock.wall()
        reply = get(url, query, headers, connect=connect, total=timeout, who=who)
        retry_after = parse_retry_after(reply.headers.get("retry-after"), now=asked_at, date=reply.headers.get("date"))
        if again and reply.status in _HICCUPS and retry_after is None:
            again = False
            if not around.clock.sleep(_QUICK_RETRY, around.abandoned):
                continue
        body = _object(reply)
        if reply.status == 200 and body is not None and "access_token" in body:
            return to_token(body, scopes, asked_at=asked_at, who=who)
        if not sure and body is None and 400 <= reply.status < 500 and reply.status not in _ITS_OWN:
            raise CredentialUnavailable(
                f"{who}: something else answers there (HTTP {reply.status}). This is not that host."
            )
        raise _failure(reply, body, retry_after, who, secrets)


def _failure(
    reply: Reply, body: dict[str, Any] | None, retry_after: float | None, who: str, secrets: tuple[str, ...]
) -> EntraTokensError:
    status = reply.status
    if status == 403 and b"unreachable" in reply.body:
        # Docker Desktop's own network answers for 169.254.169.254.
        return CredentialUnavailable(f"{who}: the network says that there is no such host (HTTP 403).")
    if 300 <= status < 400:
        why = f"the host answered with a redirect (HTTP {status}), which is not followed"
        return unavailable(who, why, status=status, retry_after=retry_after)
    if status in _ITS_OWN or status >= 500:
        why = {
            404: "the identity is being set up, or this host gives none",
            410: "the host is being updated; that takes up to 70 s",
            429: "the host is throttling",
        }.get(status, "the host failed")
        said = f": {_said(body, secrets)}" if _said(body, secrets) else ""
        return unavailable(who, f"{why} (HTTP {status}){said}", status=status, retry_after=retry_after)
    if body is None:
        why = f"the host answered HTTP {status} without a JSON object"
        return unavailable(who, why, status=status, retry_after=retry_after)
    if status == 200:
        return unavailable(who, "the answer holds no access token", status=status)
    error = refusal(body, who=who, status=status, retry_after=retry_after, secrets=secrets)
    if _no_identity(body):
        return AuthenticationFailed(f"{error} {_NO_IDENTITY}", error=IDENTITY_NOT_FOUND, hint=_NO_IDENTITY)
    return error


IDENTITY_NOT_FOUND = "identity_not_found"
_NO_IDENTITY = (
    "No such managed identity is assigned to this host: assign it, or correct client_id, object_id or resource_id; "
    "without any of them the host needs a system-assigned identity or exactly one user-assigned one."
)


def _no_identity(body: Mapping[str, Any]) -> bool:
    text = f"{body.get('error_description')} {body.get('message')}".lower()
    return "identity not found" in text or "no user assigned or delegated managed identity" in text


def _said(body: Mapping[str, Any] | None, secrets: tuple[str, ...]) -> str:
    from ..redact import redact

    text = (body or {}).get("error_description") or (body or {}).get("message") or (body or {}).get("Message")
    return redact(text, *secrets)[:300].rstrip(".") if isinstance(text, str) else ""


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
