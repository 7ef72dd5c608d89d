"""A warning that is given once: a store that cannot be used is no reason to say so at every renewal."""

from __future__ import annotations

import threading
from contextlib import suppress

from ..warn import warn

__all__ = ["warn_once"]

_lock = threading.Lock()
_given: set[str] = set()


def warn_once(text: str) -> None:
    """Warn once in this process, and never stand in the way of a token: where warnings are errors, it is the log's."""
    with _lock:
        if text in _given:
            return
        _given.add(text)
    with suppress(Warning):
        warn(text, stacklevel=2)
