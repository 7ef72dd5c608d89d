"""Refresh tokens: bound to user and client, not to a resource or tenant; a new one comes with each use and the old one
stays good (https://learn.microsoft.com/entra/identity-platform/refresh-tokens)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .refusals import Refusal, entra_time, refusal_for

if TYPE_CHECKING:
    from .clock import EmulatorClock
    from .registry import Account

__all__ = ["Grant", "RefreshTokens"]

_IDLE = 90 * 86_400.0  # seconds without use


@dataclass(frozen=True)
class Grant:
    """What a person allowed an application: what a code or a refresh token stands for."""

    client_id: str
    account: Account
    scopes: str
    acrs: tuple[str, ...] = ()
    """Authentication contexts that the sign-in satisfied."""
    signed_in_on: float = 0.0
    issued_on: float = 0.0
    family: str = field(default_factory=lambda: secrets.token_hex(8))
    """What all refresh tokens of one sign-in share."""
    refused_with: int | None = None
    """The AADSTS number that its use is answered with; None: it is good."""


class RefreshTokens:
    """The tokens given out. Any thread may call anything.

    `strict`: a token is good once, and its second use ends every one of its family. The real service does not do this.
    `sign_in_frequency`: seconds after a sign-in in which its tokens are good; None: any.
    """

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}
        self._last_use: dict[str, float] = {}
        self._used: set[str] = set()
        self.strict = False
        self.sign_in_frequency: float | None = None

    def issue(self, grant: Grant) -> str:
        token = "1.AX" + secrets.token_urlsafe(48)
        now = self._clock.now()
        with self._lock:
            self._grants[token] = replace(grant, issued_on=now)
            self._last_use[token] = now
        return token

    def redeem(self, token: str, client_id: str) -> Grant:
        """What the token stands for, used by this client.

        Raises:
            Refusal: It is not good.
        """
        now = self._clock.now()
        with self._lock:
            grant = self._grants.get(token)
            if grant is None:
                raise refusal_for(9002313, expected="refresh_token: one that this emulator gave out")
            if grant.client_id != client_id:
                raise refusal_for(70000, expected=f"client_id: the one it was given to, {grant.client_id}")
            refusal = self._refusal(token, grant, now)
            if refusal is not None:
                raise refusal
            self._last_use[token] = now
            self._used.add(token)
            return grant

    def refuse_all(self, code: int) -> None:
        """Answer every token given out so far with this AADSTS number."""
        with self._lock:
            self._grants = {token: replace(grant, refused_with=code) for token, grant in self._grants.items()}

    def _refusal(self, token: str, grant: Grant, now: float) -> Refusal | None:
        issued = entra_time(grant.issued_on)
        details = {"client_id": grant.client_id, "issued": issued, "valid_from": entra_time(now)}
        if grant.refused_with is not None:
            return refusal_for(grant.refused_with, frequency=str(self.sign_in_frequency or 0), **details)
        if self._last_use[token] + _IDLE <= now:
            return refusal_for(700082, **details)
        if self.sign_in_frequency is not None and grant.signed_in_on + self.sign_in_frequency <= now:
            return refusal_for(70043, frequency=f"{self.sign_in_frequency:.0f}", **details)
        if self.strict and token in self._used:
            self._grants = {
                each: replace(other, refused_with=70000) if other.family == grant.family else other
                for each, other in self._grants.items()
            }
            return refusal_for(70000, expected="refresh_token: the newest of its family (strict_rotation is on)")
        return None
