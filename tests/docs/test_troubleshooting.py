"""The guide has a place for every error, and its tables are those of the package."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.test_links import anchors
from entra_tokens import errors
from entra_tokens.authority.aadsts import table

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "entra_tokens"
GUIDE = ROOT / errors.GUIDE
TEXT = GUIDE.read_text(encoding="utf-8")


def named(source: str) -> tuple[set[str], list[str]]:
    """The anchors that a module's errors can carry, and those that nobody can know without running it."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    unknown: list[str] = []
    for node in ast.walk(tree):
        value: ast.expr | None = None
        is_given = isinstance(node, ast.keyword) and node.arg == "anchor"
        is_set = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).rpartition(".")[2] == "anchor"
        if isinstance(node, ast.keyword | ast.Assign):
            value = node.value if is_given or is_set else None
        elif isinstance(node, ast.arguments):
            names = [*node.args, *node.kwonlyargs]
            values = [*node.defaults, *node.kw_defaults]
            pairs = zip(reversed(names), reversed(values), strict=False)
            value = next((default for name, default in pairs if name.arg == "anchor"), None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.add(value.value)
        elif isinstance(value, ast.Name) and value.id in constants:
            found.add(constants[value.id])
        elif value is not None and ast.unparse(value) not in _PASSED_ON:
            unknown.append(f"{value.lineno}: {ast.unparse(value)}")
    return found, unknown


# What comes from elsewhere: an argument, another error, or the table of numbers, each of which is looked at itself.
_PASSED_ON = {"anchor", "None", "known.anchor", "vars(reason).get('anchor')"}


def test_every_anchor_that_a_message_can_carry_is_there() -> None:
    carried = {row.anchor for row in table().values()}
    carried |= {
        kind.anchor for kind in vars(errors).values() if isinstance(kind, type) and getattr(kind, "anchor", None)
    }
    for path in SRC.rglob("*.py"):
        found, unknown = named(path.read_text(encoding="utf-8"))
        assert unknown == [], f"{path.name}: an anchor is a literal, so that this test can see it"
        carried |= found
    assert len(carried) > len(table()) + 15
    assert carried - anchors(TEXT) == set()


def test_the_search_sees_what_it_should() -> None:
    source = (
        "_HERE = 'here'\nclass E:\n    anchor = 'default'\ndef f(*, anchor: str = 'argument', x=1) -> None:\n"
        "    raise E('x', anchor=_HERE)\n    raise E('x', anchor='there')\n    g(anchor=anchor)\n    g(anchor=h())\n"
    )
    assert named(source) == ({"here", "default", "argument", "there"}, ["8: h()"])


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("make_troubleshooting", ROOT / "docs" / "make_troubleshooting.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/make_troubleshooting.py writes them: run it after a change of aadsts.tsv."""
    monkeypatch.setattr("sys.path", [*sys.path])
    made = generator()
    assert set(made.HEADINGS) == {row.kind for row in table().values()}
    assert made.with_tables(TEXT) == TEXT
    assert len(re.findall(r'^\| <a id="aadsts\d+"></a>', TEXT, re.MULTILINE)) == len(table())


def test_every_class_of_error_has_a_line_at_the_top() -> None:
    top = TEXT.partition("\n## ")[0]
    for name in errors.__all__:
        assert f"| `{name}`" in top or name == "EntraTokensError", name
