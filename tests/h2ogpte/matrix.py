"""Runs the tests of the h2oGPTe plug on every supported version of h2ogpte but the newest, which `make test` has.

    python tests/h2ogpte/matrix.py [VERSION ...]

Each version has an environment of its own in `.matrix/`: its wheel, and behind it the packages of the environment that
this runs in. (The versions of `versions.txt` require the same packages of the same versions.)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON = f"py{sys.version_info[0]}.{sys.version_info[1]}"
# What a version of the client can make a difference to.
TESTS = ("by_hand", "connect", "connect_async", "live", "mixups", "private_names", "refused", "shared")


def pinned() -> dict[str, str]:
    """The requirement, with its hash, of each version."""
    lines = (HERE / "versions.txt").read_text(encoding="utf-8").splitlines()
    return {line.split()[0].removeprefix("h2ogpte=="): line for line in lines if line.strip()}


def environment(version: str, requirement: str) -> Path:
    """The interpreter of the version's environment, made if it is not there."""
    folder = ROOT / ".matrix" / f"{version}-{PYTHON}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if (folder / "made").exists():
        return python
    venv.create(folder, clear=True, symlinks=sys.platform != "win32")
    behind = next(path for path in sys.path if path.endswith("site-packages"))
    within = "Lib" if sys.platform == "win32" else f"lib/python{PYTHON[2:]}"
    # addsitedir() and not a path alone: the editable install is a .pth file in there.
    (folder / within / "site-packages" / "behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
    wanted = folder / "requirement.txt"
    wanted.write_text(requirement + "\n")
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--quiet", "--no-config"] if uv else [sys.executable, "-m", "pip"]
    into = ["--python", str(python)]
    options = ["--no-deps", "--require-hashes", "-r", str(wanted)]
    subprocess.run([*install, *into, *([] if uv else ["install", "--quiet"]), *options], check=True)
    (folder / "made").touch()
    return python


def main(asked: list[str]) -> int:
    failed = []
    for version, requirement in pinned().items():
        if asked and version not in asked:
            continue
        python = environment(version, requirement)
        found = subprocess.run(
            [str(python), "-c", "import h2ogpte; print(h2ogpte.__version__)"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        if found != version:
            raise SystemExit(f"{python} has h2ogpte {found}")
        start = time.monotonic()  # noqa: TID251 - a program that tells how long it took
        files = [str(HERE / f"test_{name}.py") for name in TESTS]
        command = [str(python), "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *files]
        print(f"==> h2ogpte {version}", flush=True)  # noqa: T201 - likewise
        if subprocess.run(command, cwd=ROOT).returncode:
            failed.append(version)
        print(f"    {time.monotonic() - start:.0f} s", flush=True)  # noqa: T201, TID251 - likewise
    if failed:
        print("failed on h2ogpte", *failed)  # noqa: T201 - likewise
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
