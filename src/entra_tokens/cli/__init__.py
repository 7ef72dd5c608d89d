"""The command `entra-tokens`."""

from __future__ import annotations

__all__ = ["main"]


def main() -> int:
    """Run the command with the process's arguments; returns the exit status."""
    from .app import run

    return run()
