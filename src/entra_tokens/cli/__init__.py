"""The command `entra-tokens`."""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command with the process's arguments; returns the exit status, or ends the process with it."""
    # Collecting garbage among modules that are being imported, and tidying up at the end, are a fifth of the time that
    # printing a stored token takes.
    gc.disable()
    try:
        from .quick import printed

        done = printed(sys.argv[1:])
    except KeyboardInterrupt:
        done = 130
    if done is not None:
        os._exit(done)
    gc.enable()
    from .app import run

    return run()
