"""Modules that are loaded when something of them is used, and not when they are imported.

A command that prints a stored token whose key is in a keyring is mostly the import of `keyring`. A quarter of that is
`urllib.request`, with the parser of e-mails: what `keyring` stands on uses it for something else.

https://docs.python.org/3/library/importlib.html#importlib.util.LazyLoader
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["begin", "end"]

_NAMES = ("urllib.request",)


class _Later:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _NAMES:
            return None
        from importlib.machinery import PathFinder
        from importlib.util import LazyLoader

        found = PathFinder.find_spec(name, path, target)
        if found is not None and found.loader is not None:
            found.loader = LazyLoader(found.loader)
        return found


def begin() -> None:
    """Load them late from here on."""
    sys.meta_path.insert(0, _Later)


def end() -> None:
    """Load as usual from here on, and what was put off at once: two threads that use it first would both load it."""
    sys.meta_path.remove(_Later)
    for name in _NAMES:
        if name in sys.modules:
            _ = sys.modules[name].__doc__
