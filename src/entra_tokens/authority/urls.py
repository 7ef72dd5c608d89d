"""Taking addresses apart, with `urllib.parse` loaded when that is first wanted.

It takes 3 ms, which a command need not spend that finds its token stored.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..engine.workers import importing

if TYPE_CHECKING:
    from types import ModuleType
    from urllib.parse import SplitResult

__all__ = ["escaped", "urlsplit"]


def urlsplit(url: str) -> SplitResult:
    """As `urllib.parse.urlsplit`.

    Raises:
        ValueError: It is no address.
    """
    parts: SplitResult = _loaded().urlsplit(url)
    return parts


def escaped(text: str) -> set[str]:
    """The forms that a text has in addresses and in form bodies."""
    parse = _loaded()
    return {parse.quote(text, safe=""), parse.quote_plus(text)}


def _loaded() -> ModuleType:
    # Only the first import stands at the gate: a credential made in an event loop would wait there for msal's.
    if "urllib.parse" not in sys.modules:
        with importing():
            from urllib import parse
    else:
        from urllib import parse
    return parse
