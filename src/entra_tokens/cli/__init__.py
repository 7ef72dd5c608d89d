"""The command `entra-tokens`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command with the process's arguments; returns the exit status."""
    try:
        from .quick import printed

        done = printed(sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    if done is not None:
        return done
    from .app import run

    return run()
