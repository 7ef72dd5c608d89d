"""The only reader of the process environment."""

from __future__ import annotations

import os

__all__ = ["apply", "read", "snapshot"]


def read(name: str, default: str = "") -> str:
    """The variable's value; an empty one counts as unset, as azure-identity has it."""
    return os.environ.get(name) or default  # noqa: TID251 - the one place


def snapshot() -> dict[str, str]:
    """A copy of the whole environment, for a child process."""
    return dict(os.environ)  # noqa: TID251 - the one place


def apply(values: dict[str, str]) -> None:
    """Set variables for this process and its children, for a program (a demo) that owns the process."""
    os.environ.update(values)  # noqa: TID251 - the one place
