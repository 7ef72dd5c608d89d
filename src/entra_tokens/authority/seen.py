"""What an authority's answer says, or the error for an answer that says nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..record import Record
from .failures import refusal, said_safely, says_why, unavailable
from .retry_after import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Seen", "read_answer"]

_NETWORK = "proxies-and-certificates"
_BETWEEN = "Check that no proxy and no sign-in portal answers in its place."


class Seen(Record):
    """An answer's body as it came, and what stood around it."""

    body: dict[str, Any]
    status: int
    retry_after: float | None
    asked_at: float

    _hidden = ("body",)

    def __init__(self, body: dict[str, Any], status: int, retry_after: float | None, asked_at: float) -> None:
        self._set(body=body, status=status, retry_after=retry_after, asked_at=asked_at)

    def granted(self, *, who: str, secrets: tuple[str, ...] = ()) -> Seen:
        """The same, of an authority that did not refuse.

        Raises:
            EntraTokensError: It did.
        """
        if "error" in self.body:
            raise refusal(self.body, who=who, status=self.status, retry_after=self.retry_after, secrets=secrets)
        if self.status >= 400:
            raise unavailable(who, f"the authority answered HTTP {self.status}", status=self.status)
        return self


def read_answer(status: int, headers: Mapping[str, str], body: bytes, *, asked_at: float, who: str) -> Seen:
    """Read an answer.

    Args:
        status: Its status.
        headers: Its headers, in lower case.
        body: Its body.
        asked_at: Epoch seconds just before it was asked for.
        who: The credential, for messages.

    Raises:
        AuthorityUnavailable: It is no JSON object, a redirect, or says that now is not the time.
    """
    retry_after = parse_retry_after(headers.get("retry-after"), now=asked_at, date=headers.get("date"))
    content: Any = None
    anchor = None
    with suppress(ValueError, RecursionError):
        content = json.loads(body)
    if isinstance(content, dict) and status != 429 and (status < 300 or 400 <= status < 500):
        return Seen(content, status, retry_after, asked_at)
    if status == 429:
        why = "the authority is throttling (HTTP 429)"
    elif status >= 500:
        if isinstance(content, dict) and says_why(content):
            raise refusal(said_safely(content), who=who, status=status, retry_after=retry_after)
        why = f"the authority answered HTTP {status}"
    elif 300 <= status < 400:
        anchor = _NETWORK
        why = f"the authority answered with a redirect (HTTP {status}), which is not followed"
    else:
        anchor = _NETWORK
        kind = "an empty body" if not body.strip() else "a web page" if b"<" in body[:200] else "no JSON object"
        why = f"the authority answered HTTP {status} with {kind}"
    step = {} if anchor is None else {"step": _BETWEEN}
    raise unavailable(who, why, status=status, retry_after=retry_after, anchor=anchor, **step)
