"""When a token runs out, in every form that the hosts write it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ..token import unverified_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["expiry_of", "number", "wire_instant"]

# MSAL.NET's line between seconds from now and an epoch: 2001-01-01.
_EARLIEST_EPOCH = 978_307_200
_NUMBER = r"[+-]?\d{1,18}(?:\.\d{1,18})?"
# App Service 2017-09-01, Windows ("1/16/2020 5:24:12 AM +00:00") and Linux ("06/20/2019 02:57:58 +00:00"): always UTC.
_AMERICAN = r"(?i)(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?: ([AP]M))?(?: ([+-]\d{2}):(\d{2}))?"
_ISO = r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|([+-]\d{2}:\d{2}))?"


def number(value: Any) -> float | None:
    """A finite number, written as one or as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(_NUMBER, value.strip()):
        return float(value)
    if isinstance(value, (int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    return None


def expiry_of(answer: Mapping[str, Any], token: str, *, asked_at: float) -> float | None:
    """Epoch seconds at which the token of an answer runs out; None if nothing in it says so.

    `expires_in` comes first: seconds counted from our own question are right whatever our clock says.
    """
    seconds = number(answer.get("expires_in"))
    if seconds is not None:
        return asked_at + seconds
    instant = wire_instant(answer.get("expires_on"), asked_at=asked_at)
    if instant is not None:
        return instant
    try:
        return number(unverified_claims(token).get("exp"))
    except ValueError:
        return None


def wire_instant(value: Any, *, asked_at: float) -> float | None:
    """Epoch seconds of an `expires_on` in any of its forms."""
    found = number(value)
    if found is not None:
        return asked_at + found if found < _EARLIEST_EPOCH else found
    if not isinstance(value, str):
        return None
    try:
        return _american(value.strip()) or _iso(value.strip())
    except (ValueError, OverflowError):
        return None


def _american(value: str) -> float | None:
    from datetime import datetime, timedelta, timezone

    match = re.fullmatch(_AMERICAN, value)
    if match is None:
        return None
    month, day, year, hour, minute, second = (int(part) for part in match.groups()[:6])
    half = (match[7] or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    offset = timedelta(hours=int(match[8]), minutes=int(match[8][0] + match[9])) if match[8] else timedelta()
    return datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset)).timestamp()


def _iso(value: str) -> float | None:
    from datetime import datetime

    match = re.fullmatch(_ISO, value)
    if match is None:
        return None
    return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or '+00:00'}").timestamp()
