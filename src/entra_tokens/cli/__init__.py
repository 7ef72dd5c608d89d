"""The command `entra-tokens`."""

from __future__ import annotations


def main() -> int:
    """Run the command; returns the exit status."""
    from .app import run

    return run()
