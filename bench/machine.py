"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["facts", "one_line"]

_PACKAGES = ("entra-tokens", "azure-identity", "azure-core", "msal", "h2o-authn", "httpx", "aiohttp", "requests")


def facts() -> dict[str, Any]:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "commit": _commit(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def one_line(machine: dict[str, Any]) -> str:
    versions = machine["versions"]
    peers = ", ".join(f"{name} {versions[name]}" for name in ("azure-identity", "msal", "h2o-authn"))
    load = "" if machine["load"] is None else f", load {machine['load'][0]}"
    return f"Python {machine['python']}, {machine['cores']} cores{load}; {peers}; {machine['date']}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _commit() -> str | None:
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True
        )
    except OSError:
        return None
    return asked.stdout.strip() or None
