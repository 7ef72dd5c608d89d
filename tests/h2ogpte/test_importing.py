"""What importing costs, and what it leaves alone; each in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def run(script: str, *, limit: float = 50) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit).stdout.strip()


def test_the_clients_are_not_imported_before_they_are_needed() -> None:
    heavy = {"asyncio", "azure", "h2ogpte", "httpx", "msal", "requests", "websockets"}
    loaded = run("import sys, entra_tokens.h2ogpte; print(*sys.modules)").split()
    assert "entra_tokens.h2ogpte" in loaded
    assert not heavy & set(loaded)


def test_the_log_is_redacted_from_then_on() -> None:
    script = """
import logging, sys
logging.basicConfig(level="DEBUG", stream=sys.stdout, format="%(message)s")
early = logging.getLogger("websockets.client")
import entra_tokens.h2ogpte
import websockets.client, websockets.sync.client
early.debug("> %s: %s", "Authorization", "Bearer-AD MARKER")
logging.getLogger("websockets.server").debug("< %s: %s", "Authorization", "Bearer-AD MARKER")
"""
    shown = run(script)
    assert "MARKER" not in shown
    assert shown.count("Authorization: Bearer-AD <hidden>") == 2


SCRIPT = """
import asyncio, sys, threading, warnings
warnings.simplefilter("error", UserWarning)
from entra_tokens.h2ogpte.client import load, load_off_the_loop
before, same = list(warnings.filters), warnings.filters

async def in_a_loop():
    ticks = 0
    loading = asyncio.ensure_future(load_off_the_loop())
    while not loading.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 5, "the loop stood still"
    return await loading

assert {how}.H2OGPTE.__module__ == "h2ogpte.h2ogpte"
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(30)  # it tells that it is done before it has ended
print(warnings.filters == before, warnings.filters is same, [t.name for t in threading.enumerate()])
"""
# Importing the real one adds four filters, its shared_client would silence everything, and it takes seconds.
STAND_IN = """
import warnings
warnings.simplefilter("ignore")
class H2OGPTE: __module__ = "h2ogpte.h2ogpte"
class H2OGPTEAsync: pass
__version__ = "1.6.58"
"""


@pytest.mark.timeout(120)
def test_nothing_but_the_import_is_left_of_the_import() -> None:
    """The process's warning filters are as they were, no thread is left, and no event loop stood still."""
    assert run(SCRIPT.replace("{how}", "asyncio.run(in_a_loop())"), limit=110) == "True True ['MainThread']"


def test_nor_where_there_is_no_loop(tmp_path: Path) -> None:
    (tmp_path / "h2ogpte.py").write_text(STAND_IN)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + SCRIPT.replace("{how}", "load()")
    assert run(script) == "True True ['MainThread']"
