"""What a row found: figures (with every sample), and whether the targets are reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

__all__ = [
    "AZURE",
    "FLOOR",
    "H2O",
    "MSAL",
    "OURS",
    "Check",
    "Figure",
    "Outcome",
    "at_least",
    "at_most",
    "exactly",
    "shown",
]

AZURE, MSAL, H2O, OURS, FLOOR = "azure-identity", "msal", "h2o-authn", "ours", "floor"


@dataclass(frozen=True)
class Figure:
    """One thing measured of one library; without samples, the reason why there are none."""

    peer: str
    what: str
    unit: str = ""
    samples: tuple[float, ...] = ()
    note: str = ""

    @property
    def median(self) -> float:
        return median(self.samples)

    def as_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"peer": self.peer, "what": self.what, "unit": self.unit, "note": self.note}
        if self.samples:
            told |= {"median": self.median, "min": min(self.samples), "max": max(self.samples)}
            told["samples"] = list(self.samples)
        return told


@dataclass(frozen=True)
class Check:
    """A target: how it is written, what was measured against it, and whether that reaches it."""

    target: str
    measured: str
    reached: bool


@dataclass
class Outcome:
    """One row of the table."""

    number: int
    work: str
    figures: list[Figure] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""

    @property
    def verdict(self) -> str:
        if self.error:
            return "not measured"
        return "reached" if all(check.reached for check in self.checks) else "short"

    def as_dict(self) -> dict[str, Any]:
        return {
            "row": self.number,
            "work": self.work,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 1),
            "figures": [figure.as_dict() for figure in self.figures],
            "checks": [vars(check) for check in self.checks],
            "notes": self.notes,
            "error": self.error,
        }


def at_most(target: str, value: float, limit: float, unit: str = "") -> Check:
    return Check(target, f"{shown(value)} {unit}".strip(), value <= limit)


def at_least(target: str, value: float, limit: float, unit: str = "") -> Check:
    return Check(target, f"{shown(value)} {unit}".strip(), value >= limit)


def exactly(target: str, values: tuple[float, ...], wanted: float) -> Check:
    return Check(target, " ".join(sorted({shown(value) for value in values})), all(value == wanted for value in values))


def shown(value: float) -> str:
    """Three significant digits, and no exponent."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
