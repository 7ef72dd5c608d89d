"""AADSTS numbers in plain words, from `aadsts.tsv`.

Five columns: the number, the error that it is raised as where nothing else in the answer decides, what it means, what
to do about it (the first sentence is the next step), and Microsoft's page about the number or about the rule it breaks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ..record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Meaning", "explain", "find", "table"]


class Meaning(Record):
    """What a number means, what to do about it, and the page that says so."""

    code: int
    kind: str
    """The name of the class in `entra_tokens.errors`."""
    meaning: str
    remedy: str
    source: str

    def __init__(self, code: int, kind: str, meaning: str, remedy: str, source: str) -> None:
        self._set(code=code, kind=kind, meaning=meaning, remedy=remedy, source=source)

    @property
    def step(self) -> str:
        """The one next step: the remedy's first sentence."""
        first, _, rest = self.remedy.partition(". ")
        return f"{first}." if rest else first

    @property
    def anchor(self) -> str:
        """Where `docs/troubleshooting.md` has it."""
        return f"aadsts{self.code}"


def explain(code: int) -> Meaning | None:
    """Look a number up; None for one that the table lacks."""
    return table().get(code)


_NAMED = (
    r"(?i)AADSTS\s?(?P<name>\d{4,8})(?!\d)"  # an error's text
    r"|error_codes\W{1,6}(?P<list>\d[\d,\s]*)"  # its JSON: "error_codes": [50076, 50079]
    r"|[?&]code=(?P<link>\d{4,8})(?!\d)"  # its error_uri: https://login.microsoftonline.com/error?code=50076
)
_NUMBER = r"(?<![\w.-])\d{4,8}(?![\w-])"


def find(text: str) -> tuple[int, ...]:
    """The AADSTS numbers in a pasted text, each once, in its order, whether the table has them or not.

    An error's message, its JSON, a log, the link that it names or the bare number will do. A number that nothing calls
    an AADSTS number counts only where there is no other, and then only if the table has it or it is all there is.
    """
    found: list[int] = []
    for match in re.finditer(_NAMED, text):
        found += [int(code) for code in re.findall(r"\d+", match["name"] or match["list"] or match["link"])]
    if not found:
        alone = re.fullmatch(_NUMBER, text.strip()) is not None
        bare = [int(code) for code in re.findall(_NUMBER, text)]
        found = [code for code in bare if alone or explain(code)]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1)
def table() -> Mapping[int, Meaning]:
    """All that is known, by number; the numbers that are met most come first."""
    from importlib.resources import files

    text = files("entra_tokens").joinpath("aadsts.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line)
    return {int(code): Meaning(int(code), *rest) for code, *rest in rows}
