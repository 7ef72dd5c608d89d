"""Which browser there is, and how it is started."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

__all__ = ["ARGUMENTS", "chromium", "missing"]

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The path of a Chromium or Chrome; playwright's own is not downloaded."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def missing() -> str:
    """What has to be installed before a test can use a browser; empty: nothing."""
    if find_spec("playwright") is None:
        return "playwright (make test installs it)"
    return "" if chromium() else "a Chromium (apt-get install chromium, or Chrome)"
