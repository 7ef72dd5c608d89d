"""What arrived."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Log", "Record"]


@dataclass
class Record:
    """One request. `status` is None until it is answered, and stays so if it never is.

    The form and headers are as they came, secrets included (a test may want to see them); `repr` shows neither.
    """

    path: str
    method: str
    target: str
    """What `fail()` calls this endpoint: `token`, `discovery`, `device`, `imds`, …"""
    time: float
    """Epoch seconds on the emulator's clock."""
    form: dict[str, str] = field(default_factory=dict, repr=False)
    """Form fields, or the query's where there is no form."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    grant: str | None = None
    """`client_credentials`, `device_code`, `refresh_token`, … and `managed_identity`; None where no token is asked."""
    status: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Log:
    """The records so far, oldest first. Any thread may call anything."""

    def __init__(self, limit: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._limit = limit

    def add(self, record: Record) -> None:
        with self._lock:
            if len(self._records) >= self._limit:
                del self._records[: self._limit // 2]
            self._records.append(record)

    def snapshot(self) -> list[Record]:
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()
