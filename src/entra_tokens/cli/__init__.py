"""The command `entra-tokens`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command with the process's arguments; returns the exit status."""
    try:
        from .quick import printed

        if printed(sys.argv[1:]):
            return 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        from .talk import nobody_reads

        return nobody_reads()
    from .app import run

    return run()
