"""Row 24: the emulator itself: its start, its answers under load from other processes, and what a test pays for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from outcome import AZURE, H2O, MSAL, OURS, Figure, Outcome, at_least, at_most
from service import token_service

from entra_tokens.emulator import RemoteEmulator

if TYPE_CHECKING:
    from settings import Settings

WORK = "the emulator: signed tokens a second, start, fixture"

_LOAD = Path(__file__).parent.parent / "load.py"
_PROCESSES = 8  # of load, each with a connection

_CONFTEST = """
import json, pathlib
spent = {}
def pytest_runtest_logreport(report):
    if report.when != "call":
        spent[report.nodeid] = spent.get(report.nodeid, 0) + report.duration
def pytest_sessionfinish():
    pathlib.Path("spent.json").write_text(json.dumps(list(spent.values())))
"""
_TESTS = """
import pytest
@pytest.mark.parametrize("number", range({tests}))
def test_one(entra_emulator, number):
    pass
"""


def measure(settings: Settings) -> Outcome:
    rates = _rates(settings.pick(2.0, 0.5), settings.pick(7, 2))
    starts = tuple(_start() for _ in range(settings.pick(9, 2)))
    fixtures = _fixtures(settings.pick(40, 5))
    figures = [
        *(Figure(peer, "no emulator") for peer in (AZURE, MSAL, H2O)),
        Figure(OURS, "", "RS256 tokens/s", rates, f"{_PROCESSES} processes that ask one after the other, TLS"),
        Figure(OURS, "process start to serving", "ms", starts),
        Figure(OURS, "fixture, set up and taken down", "ms", fixtures),
    ]
    rate, start, fixture = (figure.median for figure in figures[-3:])
    checks = [
        at_least("≥ 1,000 tokens/s", rate, 1000),
        at_most("starts in under 1 s", start, 1000, "ms"),
        at_most("fixture ≤ 50 ms after the first", fixture, 50, "ms"),
    ]
    return Outcome(24, WORK, figures, checks, [f"best round {max(rates):,.0f} tokens/s, worst {min(rates):,.0f}"])


def _rates(seconds: float, rounds: int) -> tuple[float, ...]:
    """Answers a second in each round, of all load processes together."""
    command = [sys.executable, str(_LOAD), str(seconds), str(rounds)]
    with token_service() as service:
        load = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(_PROCESSES)
        ]
        for process in load:
            _tell(process, service.facts.to_json())
        for process in load:
            _hear(process)
        for process in load:
            _tell(process, "begin")
        told = [json.loads(_hear(process)) for process in load]
        for process in load:
            process.communicate(timeout=10)
    return tuple(sum(answers / took for answers, took in one_round) for one_round in zip(*told, strict=True))


def _tell(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError("a load process ended")
    return line


def _start() -> float:
    start = time.perf_counter()
    with RemoteEmulator():
        return (time.perf_counter() - start) * 1000


def _fixtures(tests: int) -> tuple[float, ...]:
    """What each test of a run pays for the fixture, but for the first, which imports."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(_CONFTEST)
        Path(folder, "test_it.py").write_text(_TESTS.format(tests=tests + 1))
        plugin = ["-p", "entra_tokens.emulator.pytest_plugin", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *plugin],
            cwd=folder,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"pytest failed: {done.stdout[-800:]}")
        spent = json.loads(Path(folder, "spent.json").read_text())
    return tuple(seconds * 1000 for seconds in spent[1:])
