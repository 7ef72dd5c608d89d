"""Behind each "yes" of the comparison stands a test that is there, and its azure-identity is the one that is locked."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "compared-with-azure-identity.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::((?:\w+::)?test_\w+)`")


@cache
def there_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    found = {node.name for node in tree.body if isinstance(node, functions)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, functions)}
    return found


def rows(text: str) -> list[list[str]]:
    """The rows of the tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [cells for line in lines if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0]]


def untrue(text: str) -> list[str]:
    wrong = []
    for what, _, ours, shown in rows(text):
        named = NAMED.findall(shown)
        if ours.startswith("**yes**") is not bool(named):
            wrong.append(f"{what}: a yes names its test, and nothing else does")
        wrong += [f"{what}: {path}::{test} is not there" for path, test in named if test not in there_in(path)]
        if len(named) != shown.count("`") / 2:
            wrong.append(f"{what}: {shown}")
    return wrong


def test_every_yes_is_shown_by_a_test_that_is_there() -> None:
    assert len(rows(TEXT)) > 60
    assert untrue(TEXT) == []


def test_a_wrong_row_is_seen() -> None:
    here = f"tests/docs/{Path(__file__).name}"
    table = (
        f"| a | no | **yes** | `{here}::test_a_wrong_row_is_seen` |\n| b | no | **yes**, mostly | |\n"
        f"| c | yes | no | `{here}::test_a_wrong_row_is_seen` |\n| d | - | **yes** | `{here}::test_no_such` |\n"
        "| e | yes | no | |\n| f | no | **yes** | `test_something` |\n"
    )
    assert [each[0] for each in untrue(table)] == ["b", "c", "d", "f", "f"]


def test_what_it_says_of_azure_identity_is_of_the_version_that_is_locked() -> None:
    """A new one: read its changes, run what is marked *run* again, and write its number here."""
    assert set(re.findall(r"azure-identity (\d+\.\d+\.\d+)", TEXT)) == {version("azure-identity")}


def test_its_asynchronous_half_has_no_device_code_and_no_browser() -> None:
    import azure.identity as theirs
    from azure.identity import aio

    for name in ("DeviceCodeCredential", "InteractiveBrowserCredential", "UsernamePasswordCredential"):
        assert hasattr(theirs, name)
        assert not hasattr(aio, name)
    for name in re.findall(r"`([A-Z]\w+Credential)`", TEXT):
        assert hasattr(theirs, name), name
