"""Fresh interpreters: what a process pays that starts, imports and asks once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["in_turns", "output_of", "seconds_of"]

_BENCH = str(Path(__file__).parent)


def output_of(code: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """What a fresh interpreter prints that runs this code, `bench/` on its path."""
    code = f"import sys; sys.path.insert(0, {_BENCH!r})\n{code}"
    return _run(code, environ, stdin).stdout


def seconds_of(code: str, environ: Mapping[str, str] | None = None) -> float:
    """How long a fresh interpreter takes for this code, from start to exit."""
    start = time.perf_counter()
    _run(code, environ, "")
    return time.perf_counter() - start


def in_turns(
    codes: dict[str, str], *, rounds: int, environ: Mapping[str, str] | None = None
) -> dict[str, tuple[float, ...]]:
    """Seconds of each, one after the other in every round; a first round that only warms the disk cache is not kept."""
    found: dict[str, list[float]] = {name: [] for name in codes}
    for number in range(rounds + 1):
        for name, code in codes.items():
            took = seconds_of(code, environ)
            if number:
                found[name].append(took)
    return {name: tuple(values) for name, values in found.items()}


def _run(code: str, environ: Mapping[str, str] | None, stdin: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **(environ or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"a fresh interpreter failed: {done.stderr.strip()[-800:]}")
    return done
