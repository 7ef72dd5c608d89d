"""Device codes: asked for by a device, answered by a person (RFC 8628)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .clock import EmulatorClock
    from .registry import Account

__all__ = ["DeviceCode", "DeviceCodes"]

# No vowels, and nothing that looks like something else.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"


@dataclass
class DeviceCode:
    user_code: str
    client_id: str
    scopes: str
    expires_on: float
    claims: tuple[str, ...] = ()
    """The authentication contexts that the request asked for."""
    account: Account | None = None
    """Who approved it; None: the first account."""
    device_code: str = field(default_factory=lambda: secrets.token_urlsafe(96), repr=False)
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Proves that an answer comes from the page that was shown for this code."""
    state: Literal["pending", "approved", "declined", "redeemed"] = "pending"
    polled_on: float | None = None


class DeviceCodes:
    """The codes given out. Any thread may call anything.

    Args:
        interval: Seconds between polls, as the replies name them.
        lifetime: Seconds that a code waits for its person.
        slow_down: Whether polling faster than `interval` is refused.
    """

    def __init__(self, clock: EmulatorClock, *, interval: float, lifetime: float, slow_down: bool) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, DeviceCode] = {}
        self.interval = interval
        self.lifetime = lifetime
        self.slow_down = slow_down

    def issue(self, client_id: str, scopes: str, claims: tuple[str, ...] = ()) -> DeviceCode:
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        code = DeviceCode(user_code, client_id, scopes, self._clock.now() + self.lifetime, claims)
        with self._lock:
            self._codes[user_code] = code
        return code

    def find(self, user_code: str) -> DeviceCode | None:
        """The code that a person typed, in any case and with or without spaces, while it waits for an answer."""
        with self._lock:
            code = self._codes.get("".join(user_code.split()).replace("-", "").upper())
        return code if code and code.state == "pending" and code.expires_on > self._clock.now() else None

    def pending(self) -> list[str]:
        with self._lock:
            codes = list(self._codes.values())
        return [code.user_code for code in codes if code.state == "pending" and code.expires_on > self._clock.now()]

    def answer(self, user_code: str, *, approve: bool, account: Account | None = None) -> DeviceCode:
        """Approve as this account (None: the first), or decline.

        Raises:
            LookupError: No such code waits.
        """
        code = self.find(user_code)
        if code is None:
            raise LookupError(f"no sign-in waits for the code {user_code!r}")
        code.account = account
        code.state = "approved" if approve else "declined"
        return code

    def poll(self, device_code: str, client_id: str) -> DeviceCode | str:
        """The approved code, once; otherwise the OAuth error to answer with."""
        now = self._clock.now()
        with self._lock:
            code = next((c for c in self._codes.values() if c.device_code == device_code), None)
            if code is None or code.client_id != client_id or code.state == "redeemed":
                return "bad_verification_code"
            early = code.polled_on is not None and now - code.polled_on < self.interval * 0.9
            code.polled_on = now
            if code.state == "declined":
                return "authorization_declined"
            if code.expires_on <= now:
                return "expired_token"
            if self.slow_down and early:
                return "slow_down"
            if code.state == "pending":
                return "authorization_pending"
            code.state = "redeemed"
            return code
