"""How long a run measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Settings"]

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """`--quick` and what follows from it."""

    quick: bool = False

    def pick(self, full: T, quick: T) -> T:
        return quick if self.quick else full
