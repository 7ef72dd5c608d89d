"""The forms in which hosts write the moment that a token ends."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal, get_args

__all__ = ["FORMS", "ExpiryForm", "expiry"]

ExpiryForm = Literal["string", "number", "windows", "linux", "iso"]
FORMS: tuple[str, ...] = get_args(ExpiryForm)


def expiry(expires_on: float, form: str) -> str | int:
    """Epoch seconds in this form; the dates are always in UTC, whole seconds, and say so.

    `string` is "1586984735", `number` 1586984735, `windows` "1/16/2020 5:24:12 AM +00:00", `linux`
    "06/20/2019 02:57:58 +00:00", `iso` "2024-10-18T19:51:37.0000000+00:00".
    """
    if form == "string":
        return str(int(expires_on))
    if form == "number":
        return int(expires_on)
    at = datetime.fromtimestamp(int(expires_on), timezone.utc)
    if form == "windows":
        half = "AM" if at.hour < 12 else "PM"
        return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {half} +00:00"
    if form == "linux":
        return f"{at:%m/%d/%Y %H:%M:%S} +00:00"
    if form == "iso":
        return f"{at:%Y-%m-%dT%H:%M:%S}.0000000+00:00"
    raise ValueError(f"{form!r} is no form of expires_on: {list(FORMS)}")
