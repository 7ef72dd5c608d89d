"""Runs every group of consumers on the real packages, each in an environment of its own; prints what was run.

    python tests/consumers/run.py [GROUP ...]     those groups, or all
    python tests/consumers/run.py --all           and fail where a group could not be run
    python tests/consumers/run.py --lock          compile the groups' requirements.txt again (needs uv)

Environments are kept in `.consumers/`, and made with uv where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / ".consumers"
WORKERS = 2


@dataclass
class Run:
    """A group, and what became of it."""

    name: str
    built: float = 0.0
    took: float = 0.0
    outcome: str = "NOT RUN"
    why: str = ""
    output: str = field(default="", repr=False)

    @property
    def folder(self) -> Path:
        return HERE / self.name

    @property
    def python(self) -> Path:
        return KEPT / self.name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def groups() -> list[str]:
    return sorted(path.parent.name for path in HERE.glob("*/requirements.in"))


def packages(group: str) -> list[tuple[str, str]]:
    """What the group is about, with the versions that are locked."""
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (HERE / group / "requirements.txt").read_text(), re.MULTILINE))
    wanted = re.findall(r"^(?!-r)([\w.-]+)", (HERE / group / "requirements.in").read_text(), re.MULTILINE)
    return [(name, locked[name]) for name in wanted]


def what_is_missing(group: str) -> str:
    """What this machine lacks, in words; empty: nothing."""
    if group == "postgres":
        sys.path.insert(0, str(HERE / group))
        from server import missing

        return str(missing())
    return ""


def build(run: Run) -> None:
    lock = run.folder / "requirements.txt"
    stamp = KEPT / run.name / "stamp"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(KEPT / run.name, ignore_errors=True)
    exactly = ["--no-deps", "--require-hashes", "-r", str(lock)]
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        _do(run, [uv, "venv", "--no-config", "--quiet", "--python", sys.executable, str(KEPT / run.name)])
        _do(run, [uv, "pip", "install", "--quiet", "--python", str(run.python), *exactly])
    else:
        _do(run, [sys.executable, "-m", "venv", str(KEPT / run.name)])
        _do(run, [str(run.python), "-m", "pip", "install", "--quiet", *exactly])
    stamp.write_text(wanted)


def test(run: Run) -> None:
    # Warnings of packages that are not ours are theirs; ours stay errors.
    command = [str(run.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", str(run.folder)]
    _do(run, [*command, "-W", "error:::entra_tokens", "--timeout", "300"])


def _do(run: Run, command: list[str]) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}  # noqa: TID251
    environ["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, cwd=ROOT)
    run.output += done.stdout
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {done.returncode}")


def go(run: Run) -> Run:
    run.why = what_is_missing(run.name)
    if run.why:
        return run
    start = perf_counter()
    try:
        build(run)
        run.built = perf_counter() - start
        start = perf_counter()
        test(run)
        run.outcome = "run"
    except RuntimeError as error:
        run.outcome, run.why = "FAILED", str(error)
    run.took = perf_counter() - start
    found = re.findall(r"^(\d+ passed)", run.output, re.MULTILINE)
    run.why = run.why or (found[-1] if found else "")
    print(f"{run.name}: {run.outcome}, {run.why}", flush=True)
    return run


def lock(names: list[str]) -> None:
    for name in names:
        target = HERE / name / "requirements.txt"
        made = subprocess.run(
            [
                *("uv", "pip", "compile", "--no-config", "--quiet", "--universal", "--python-version", "3.10"),
                *("pyproject.toml", "--extra", "emulator", str(HERE / name / "requirements.in"), "--generate-hashes"),
                *("--no-emit-index-url", "--no-annotate", "--no-header"),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=ROOT,
        )
        head = "# Made by 'tests/consumers/run.py --lock' from requirements.in and pyproject.toml.\n"
        target.write_text(head + made.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the consumers' tests, each group in its own environment.")
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(groups())}; all without")
    parser.add_argument("--all", action="store_true", help="a group that cannot be run is a failure")
    parser.add_argument("--lock", action="store_true", help="compile the groups' requirements.txt again")
    arguments = parser.parse_args()
    names = arguments.groups or groups()
    if unknown := sorted(set(names) - set(groups())):
        parser.error(f"no such group: {', '.join(unknown)}")
    if arguments.lock:
        lock(names)
        return 0
    start = perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = list(pool.map(go, map(Run, names)))
    for run in runs:
        if run.outcome == "FAILED":
            print(f"\n===== {run.name}\n{run.output}")
    print(f"\n{'group':10} {'outcome':8} {'built':>7} {'took':>7}  of it")
    for run in runs:
        print(f"{run.name:10} {run.outcome:8} {run.built:5.1f} s {run.took:5.1f} s  {run.why}")
        print(f"{'':36} {', '.join(f'{name} {version}' for name, version in packages(run.name))}")
    print(f"{'':19}{perf_counter() - start:13.1f} s  in all, {WORKERS} at a time")
    good = {"run"} if arguments.all else {"run", "NOT RUN"}
    return 0 if all(run.outcome in good for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
