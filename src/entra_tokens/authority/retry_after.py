"""`Retry-After` (RFC 9110 §10.2.3): seconds, or a date, or nothing usable."""

from __future__ import annotations

import re

__all__ = ["parse_retry_after"]

_SECONDS = r"[+-]?\d{1,18}(?:\.\d+)?"


def parse_retry_after(value: str | None, *, now: float, date: str | None = None) -> float | None:
    """How long an authority wants quiet.

    Args:
        value: The header's value, or None where there is none.
        now: Epoch seconds by our own clock.
        date: The same answer's `Date` header: a date is measured against the clock that wrote it, if it is there.

    Returns:
        Seconds, never negative; None for nothing usable.
    """
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(_SECONDS, value):
        return max(float(value), 0.0)
    until = _epoch(value)
    if until is None:
        return None
    written = None if date is None else _epoch(date)
    return max(until - (now if written is None else written), 0.0)


def _epoch(value: str) -> float | None:
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)  # "-0000", and IMF-fixdate without its GMT
        return moment.timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
