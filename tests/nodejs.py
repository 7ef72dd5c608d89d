"""Which node there is, and where the packages are that tests/node/install.sh has installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

__all__ = ["missing", "modules"]

_FOLDER = Path(__file__).parent / "node"


@lru_cache
def modules() -> Path | None:
    """The folder with node's modules; None: they are not installed."""
    lock = (_FOLDER / "package-lock.json").read_bytes()
    try:
        checksum = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode().split()[0]
    except OSError:
        return None
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"  # noqa: TID251 - as install.sh does
    folder = Path(cache) / "entra-tokens" / "tests" / f"node-{checksum}"
    return folder / "node_modules" if (folder / "installed").exists() else None


def missing() -> str:
    """What has to be installed before a test can use node; empty: nothing."""
    if shutil.which("node") is None:
        return "node and npm"
    return "" if modules() else "npm's packages (sh tests/node/install.sh)"
