"""What the emulator knows of the access tokens that it gave out: whose they are and when they end, not the tokens."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

__all__ = ["Issued", "IssuedTokens"]

_LIMIT = 1000  # of a load test's tokens the newest are kept sight of


@dataclass(frozen=True)
class Issued:
    """One access token."""

    number: int
    client_id: str
    person: str
    """Whose it is; empty if it is the client's own."""
    audience: str
    tenant_id: str
    issued_at: float
    expires_on: float


class IssuedTokens:
    """The newest ones. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: deque[Issued] = deque(maxlen=_LIMIT)
        self.count: int = 0
        self.last_expiry: float = 0.0
        """When the last of all of them ends, in epoch seconds."""

    def add(self, claims: dict[str, Any], issued_at: float, expires_on: float) -> None:
        """Count a token with these claims."""
        with self._lock:
            self.count += 1
            self.last_expiry = max(self.last_expiry, expires_on)
            self._newest.append(
                Issued(
                    self.count,
                    str(claims.get("azp") or claims.get("appid") or ""),
                    str(claims.get("name", "")),
                    str(claims["aud"]),
                    str(claims["tid"]),
                    issued_at,
                    expires_on,
                )
            )

    def alive(self, now: float) -> list[Issued]:
        """Those of the newest that have not ended, newest first."""
        with self._lock:
            known = list(self._newest)
        return [token for token in reversed(known) if token.expires_on > now]
