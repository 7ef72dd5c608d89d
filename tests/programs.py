"""Runs programs as users run them: unmodified, in a process that is not ours, configured by their environment alone.

Many share one process, one after the other, each with an engine of its own: importing h2ogpte takes seconds.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entra_tokens.emulator import Emulator

__all__ = ["Program", "approving", "failures", "run"]

SRC = Path(__file__).parents[1] / "src"
_MARK = "\x1e"

# Blocks are strings with the line that they start at: a document's code, run in order with what came before in reach.
_CHILD = """
import ast, asyncio, gc, json, os, runpy, signal, sys, threading, traceback
from inspect import CO_COROUTINE
from entra_tokens.testing import fresh_engine

def run_blocks(name, blocks):
    space = {"__name__": "__main__"}
    for line, text in blocks:
        code = compile("\\n" * line + text, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = eval(code, space)
        if code.co_flags & CO_COROUTINE:
            asyncio.run(made)

def run(job):
    before = dict(os.environ)
    os.environ.update(job["environ"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
    try:
        with fresh_engine():
            if job["blocks"] is None:
                runpy.run_path(job["path"], run_name="__main__")
            else:
                run_blocks(job["path"], job["blocks"])
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one that was meant for this program is not the next one's
        os.environ.clear()
        os.environ.update(before)

def leave_nothing():
    # A provider that keeps itself fresh would go on talking while the next program runs.
    gc.collect()
    gc.freeze()  # collecting passes over what is imported by now
    for thread in threading.enumerate():
        if thread.name.startswith("entra-tokens"):
            thread.join(30)

with open(sys.argv[1]) as file:
    jobs = json.load(file)
for job in jobs:
    sys.argv = [job["path"]]
    failure = ""
    try:
        run(job)
    except BaseException:
        failure = traceback.format_exc()
    leave_nothing()
    print("\\x1e" + json.dumps(failure), flush=True)
"""


@dataclass
class Program:
    """One program, and what became of it.

    Args:
        path: The file to run, or the document that the blocks are from.
        environ: Variables on top of this process's.
        blocks: Code with the number of lines above it; None: the file is the program.
        react: Called with every line that it prints, while it waits for nobody.
    """

    path: Path
    environ: dict[str, str] = field(repr=False)
    blocks: Sequence[tuple[int, str]] | None = None
    react: Callable[[str, Interrupt], None] = lambda _line, _interrupt: None
    output: str = ""
    failure: str = field(default="it did not run")


class Interrupt:
    """Ctrl-C, for a program that would go on for ever. Where it interrupts a destructor, Python drops it: whoever sees
    the program go on calls this again."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self) -> None:
        self._process.send_signal(signal.SIGINT)


def run(programs: Sequence[Program], folder: Path, *, seconds: float = 100) -> None:
    """Run them one after the other, and set `output` (stdout and stderr as they came) and `failure` of each."""
    jobs = folder / "jobs.json"
    jobs.write_text(
        json.dumps([{"path": str(one.path), "environ": one.environ, "blocks": one.blocks} for one in programs])
    )
    child = folder / "child.py"
    child.write_text(_CHILD)
    process = subprocess.Popen(
        # h2ogpte's asynchronous client leaves sockets to the garbage collector.
        [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-u", str(child), str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SRC)},  # noqa: TID251 - a process's own
    )
    too_long = threading.Timer(seconds, process.kill)
    too_long.start()
    try:
        _listen(process, programs)
    finally:
        too_long.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _listen(process: subprocess.Popen[str], programs: Sequence[Program]) -> None:
    interrupt, left = Interrupt(process), list(programs)
    for line in process.stdout or ():
        if not left:
            return
        if line.startswith(_MARK):
            left.pop(0).failure = json.loads(line[1:])
        else:
            left[0].output += line
            left[0].react(line, interrupt)


def failures(programs: Sequence[Program]) -> str:
    """What went wrong, for a person; empty if nothing did."""
    return "\n".join(f"{one.path.name}:\n{one.output}{one.failure}" for one in programs if one.failure)


def approving(emulator: Emulator) -> Callable[[str, Interrupt], None]:
    """A person who reads a device code where it is shown, and signs in."""

    def react(line: str, _interrupt: Interrupt) -> None:
        for code in emulator.pending_codes:
            if re.search(rf"\b{code}\b", line):
                emulator.approve(code)

    return react
