"""AADSTS numbers in plain words, from `aadsts.tsv`."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

__all__ = ["Meaning", "explain"]


class Meaning(NamedTuple):
    """What a number means, what to do about it, and the page that says so."""

    code: int
    meaning: str
    remedy: str
    source: str


def explain(code: int) -> Meaning | None:
    """Look a number up; None for one that the table lacks."""
    return _table().get(code)


@lru_cache(maxsize=1)
def _table() -> dict[int, Meaning]:
    from importlib.resources import files

    text = files("entra_tokens").joinpath("aadsts.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line)
    return {int(code): Meaning(int(code), meaning, remedy, source) for code, meaning, remedy, source in rows}
