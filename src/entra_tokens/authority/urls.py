"""Taking addresses apart, with `urllib.parse` loaded when that is first wanted.

It takes 3 ms, which a command need not spend that finds its token stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.workers import importing

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["escaped", "urlsplit"]


def urlsplit(url: str) -> SplitResult:
    """As `urllib.parse.urlsplit`.

    Raises:
        ValueError: It is no address.
    """
    with importing():
        from urllib import parse

    return parse.urlsplit(url)


def escaped(text: str) -> set[str]:
    """The forms that a text has in addresses and in form bodies."""
    with importing():
        from urllib import parse

    return {parse.quote(text, safe=""), parse.quote_plus(text)}
