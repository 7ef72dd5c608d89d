"""Runs the installed command as a process, as users and programs do."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

# Many processes run the same code: it is compiled once, whatever the environment says about keeping that.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"of-{os.getpid()}"  # noqa: TID251 - one for all its workers
_COMPILED = str(Path(tempfile.gettempdir(), f"entra-tokens-compiled-{_RUN}"))
atexit.register(shutil.rmtree, _COMPILED, ignore_errors=True)

__all__ = ["COMMAND", "Running", "environ_of", "run", "start"]

# The script beside the interpreter that runs the tests; PYTHONPATH has it run the sources of this checkout.
COMMAND = str(Path(sys.executable).with_name("entra-tokens"))
SRC = Path(__file__).parents[2] / "src"


def environ_of(home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process that has a home of its own, and these variables on top of the tests' own."""
    own = {"PYTHONPATH": str(SRC), "ENTRA_TOKENS_HOME": str(home)}
    own |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _COMPILED}
    return {**os.environ, **own, **(variables or {})}  # noqa: TID251 - a process's own


def run(
    *arguments: str, environ: dict[str, str], timeout: float = 50, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [COMMAND, *arguments], env=environ, capture_output=True, text=True, timeout=timeout, check=False, **options
    )


class Running(subprocess.Popen[str]):
    """A process that does not outlive a test that fails."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, traceback)


def start(*arguments: str, environ: dict[str, str], command: Sequence[str] = (COMMAND,), **options: Any) -> Running:
    """Start the command, with pipes; whoever starts it ends it."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return Running([*command, *arguments], env=environ, text=True, **pipes)
