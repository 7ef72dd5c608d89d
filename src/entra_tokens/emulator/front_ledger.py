"""What the h2oGPTe front saw: calls verified and refused, and which tokens each client came with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from .front_switches import FrontSwitches
from .signing import digest

__all__ = ["FrontLedger", "FrontRecord"]


@dataclass
class FrontRecord:
    """One call. The token itself is not kept, only its SHA-256 (hexadecimal)."""

    path: str
    method: str
    """The HTTP method; `WEBSOCKET` for an upgrade, `QUERY` for a chat message on an open socket."""
    kind: str
    """What `fail()` calls it: `h2ogpte_rpc`, `h2ogpte_rest`, `h2ogpte_stream`, `h2ogpte_ws` or `h2ogpte_query`."""
    scheme: str
    token_digest: str
    session_id: str
    user_agent: str
    connection: int
    """The same number for whatever came over the same TCP connection."""
    time: float
    verified: bool = False
    reason: str = ""
    """Why it was refused; empty if it was not."""
    fault: str = ""
    """The fault that answered in the front's place; empty if none did."""
    status: int | None = None
    """Of the answer; 101 for an upgrade that was accepted, None where there was none (yet)."""

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


@dataclass
class FrontLedger(FrontSwitches):
    """The front's switches and counts. Any thread may call anything; the counts only grow until `clear()`."""

    verified: int = 0
    refused: int = 0
    leaked_refresh_tokens: int = 0
    """How often a client posted a refresh token to the session endpoint; a provider of ours never has one to post."""
    _arrived: list[FrontRecord] = field(default_factory=list, repr=False)
    _tokens: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _calls: dict[str, int] = field(default_factory=dict, repr=False)
    _revoked: set[str] = field(default_factory=set, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def records(self) -> list[FrontRecord]:
        """The calls that the front itself answered, oldest first."""
        return [record for record in self.arrivals if not record.fault]

    @property
    def arrivals(self) -> list[FrontRecord]:
        """Every call, those that met a fault included."""
        with self._lock:
            return list(self._arrived)

    @property
    def tokens_by_client(self) -> dict[str, list[str]]:
        """The digests of the distinct verified tokens of each client, in the order in which they came. A client is its
        `Session-Id`, or, without one, its scheme and user agent."""
        with self._lock:
            return {client: list(digests) for client, digests in self._tokens.items()}

    @property
    def calls_by_client(self) -> dict[str, int]:
        """The number of verified calls of each client."""
        with self._lock:
            return dict(self._calls)

    def revoke(self, token: str) -> None:
        """Refuse this token from here on, however long it lives."""
        with self._lock:
            self._revoked.add(digest(token))

    def revoke_seen(self) -> None:
        """Refuse every token that has been verified so far."""
        with self._lock:
            self._revoked.update(*self._tokens.values())

    def is_revoked(self, token: str) -> bool:
        with self._lock:
            return digest(token) in self._revoked

    def arrived(self, record: FrontRecord) -> None:
        with self._lock:
            self._arrived.append(record)

    def judged(self, record: FrontRecord, reason: str) -> None:
        """Count a record as verified, or as refused for this reason."""
        with self._lock:
            record.reason, record.verified = reason, not reason
            if reason:
                self.refused += 1
                return
            self.verified += 1
            client = record.session_id or f"{record.scheme} {record.user_agent}".strip()
            self._calls[client] = self._calls.get(client, 0) + 1
            digests = self._tokens.setdefault(client, [])
            if record.token_digest not in digests:
                digests.append(record.token_digest)

    def clear(self) -> None:
        with self._lock:
            self._arrived.clear()
            self._tokens.clear()
            self._calls.clear()
            self.verified = self.refused = self.leaked_refresh_tokens = 0

    def stats(self) -> dict[str, Any]:
        """Everything countable, for another process."""
        return {
            "verified": self.verified,
            "refused": self.refused,
            "leaked_refresh_tokens": self.leaked_refresh_tokens,
            "tokens_by_client": self.tokens_by_client,
            "calls_by_client": self.calls_by_client,
            "reasons": sorted({record.reason for record in self.records if record.reason}),
        }
