"""Every test that the table of referees names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "emulator-referees.md"
FILES = {"G": "test_grant_referees.py", "R": "test_referees.py"}


def classes_of(file: str) -> dict[str, set[str]]:
    """The tests of each class."""
    tree = ast.parse((ROOT / "tests" / "emulator" / file).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name: {each.name for each in node.body if isinstance(each, ast.FunctionDef)} for node in classes}


def test_every_name_is_a_test() -> None:
    there = {letter: classes_of(file) for letter, file in FILES.items()}
    every = {name for classes in there.values() for tests in classes.values() for name in tests}
    text = TABLE.read_text(encoding="utf-8")
    full = re.findall(r"`([GR])::(\w+)::(test_\w+)`", text)
    assert len(full) > 30
    assert [found for found in full if found[2] not in there[found[0]].get(found[1], set())] == []
    assert [name for name in re.findall(r"`(test_\w+)`", text) if name not in every] == []


def test_every_test_of_the_grants_is_named() -> None:
    text = TABLE.read_text(encoding="utf-8")
    every = {name for tests in classes_of(FILES["G"]).values() for name in tests if name.startswith("test_")}
    assert {name for name in every if name not in text} == set()
