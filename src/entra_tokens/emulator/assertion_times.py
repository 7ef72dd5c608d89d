"""The valid time range of assertions, with the five minutes of leeway that Entra gives."""

from __future__ import annotations

from typing import Any

from .refusals import entra_time, refusal_for

__all__ = ["checked_times"]

_LEEWAY = 300  # seconds


def checked_times(claims: dict[str, Any], now: float, code: int, **details: str) -> None:
    """Refuse what is not valid at this moment.

    Args:
        claims: `exp` is needed, `nbf` looked at where it is there.
        now: Epoch seconds.
        code: The AADSTS number to refuse with.

    Raises:
        Refusal: It is outside its times, or has no end.
    """
    expires, not_before = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, (int, float)) or not isinstance(not_before, (int, float)):
        raise refusal_for(50027, expected="the assertion's exp and nbf: epoch seconds")
    if not not_before - _LEEWAY <= now < expires + _LEEWAY:
        raise refusal_for(
            code,
            now=entra_time(now),
            nbf=entra_time(not_before),
            exp=entra_time(expires),
            expected=f"an assertion that is valid at {entra_time(now)}",
            **details,
        )
