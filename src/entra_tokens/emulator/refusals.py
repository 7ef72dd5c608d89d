"""What Entra says when it says no, with its exact body."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from typing import Any

from .refusal_table import TABLE, UNNUMBERED, Entry

__all__ = ["Refusal", "entra_time", "refusal_for"]

_URI = "https://login.microsoftonline.com/error?code={code}"


class Refusal(Exception):
    """An answer that is a refusal; `body()` is its exact JSON.

    `expected` is for the log and for nobody else: what would have been taken.
    """

    def __init__(self, code: int, entry: Entry, details: dict[str, str], expected: str = "") -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code
        self.status: int = entry.status
        self.error: str = entry.error
        self.expected = expected
        self._entry = entry
        self._details = details

    def named(self, error: str) -> Refusal:
        """The same under another OAuth name: some refusals have one for users and another for applications."""
        return Refusal(self.code, self._entry._replace(error=error), self._details, self.expected)

    @property
    def text(self) -> str:
        """`AADSTSn: …`, without the ids that an answer gets."""
        number = f"AADSTS{self.code}: " if self.code else ""
        return number + self._entry.text.format_map(_Blanks(self._details))

    def body(self, now: float, correlation_id: str | None = None) -> dict[str, Any]:
        """The reply's fields; the ids are those of this answer and can be searched for.

        Args:
            now: Epoch seconds, for the timestamp.
            correlation_id: The client's own `client-request-id`, which the service takes over.
        """
        stamp = f"{datetime.fromtimestamp(now, timezone.utc):%Y-%m-%d %H:%M:%SZ}"
        trace_id, correlation_id = str(uuid.uuid4()), correlation_id or str(uuid.uuid4())
        body: dict[str, Any] = {
            "error": self.error,
            "error_description": f"{self.text} Trace ID: {trace_id} Correlation ID: {correlation_id} "
            f"Timestamp: {stamp}",
            "error_codes": [self.code] if self.code else [],
            "timestamp": stamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self._entry.has_uri:
            body["error_uri"] = _URI.format(code=self.code)
        if self._entry.suberror:
            body["suberror"] = self._entry.suberror
        if claims := self._details.get("claims"):
            body["claims"] = claims
        elif self._entry.has_claims:
            policy = {"access_token": {"capolids": {"essential": True, "values": [trace_id]}}}
            body["claims"] = json.dumps(policy, separators=(",", ":"))
        return body


class _Blanks(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key


def refusal_for(what: int | str, *, expected: str = "", **details: str) -> Refusal:
    """The refusal with this AADSTS number (`7000215`, `"AADSTS7000215"`) or OAuth name (`"invalid_client"`).

    Args:
        what: The number or name.
        expected: What would have been taken, for the log.
        details: What the text names: `client_id`, `tenant`, `resource`, …; `claims` is passed on as it is.

    Raises:
        ValueError: Neither a known number nor a known name.
    """
    if isinstance(what, str) and what in UNNUMBERED:
        return Refusal(0, UNNUMBERED[what], details, expected)
    number = str(what).upper().removeprefix("AADSTS")
    if number.isdigit():
        code = int(number)
        if code in TABLE:
            return Refusal(code, TABLE[code], details, expected)
        raise ValueError(f"AADSTS{code} is not among the emulator's refusals: {sorted(TABLE)}")
    for code, entry in TABLE.items():
        if entry.error == what:
            return Refusal(code, entry, details, expected)
    if what == "invalid_tenant":
        return Refusal(90002, TABLE[90002]._replace(error="invalid_tenant"), details, expected)
    raise ValueError(f"{what!r} is not an OAuth error of Entra's: {sorted({e.error for e in TABLE.values()})}")


def entra_time(seconds: float) -> str:
    """As the service writes instants inside its texts."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S.%f}0Z"
