"""Refresh tokens: bound to user and client, not to a resource; a new one comes with each use and the old one stays
good (https://learn.microsoft.com/entra/identity-platform/refresh-tokens)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace

__all__ = ["Grant", "RefreshTokens"]


@dataclass(frozen=True)
class Grant:
    """What a refresh token stands for."""

    client_id: str
    scopes: str
    refused_with: int | None = None
    """The AADSTS number that its use is answered with; None: it is good."""


class RefreshTokens:
    """The tokens given out. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}

    def issue(self, client_id: str, scopes: str) -> str:
        token = "1.AX" + secrets.token_urlsafe(48)
        with self._lock:
            self._grants[token] = Grant(client_id, scopes)
        return token

    def find(self, token: str) -> Grant | None:
        with self._lock:
            return self._grants.get(token)

    def refuse_all(self, code: int) -> None:
        """Answer every token given out so far with this AADSTS number."""
        with self._lock:
            self._grants = {token: replace(grant, refused_with=code) for token, grant in self._grants.items()}
