"""Whether a token handed out for one use lasts as long as its user wants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .warn import warn

if TYPE_CHECKING:
    from .engine.cell import Cell
    from .token import Token

__all__ = ["lasts", "warn_if_short"]


def lasts(cell: Cell, token: Token, least: timedelta) -> bool:
    """Whether at least that much of its life is left."""
    if not isinstance(least, timedelta):
        raise ConfigurationError("min_lifetime must be a datetime.timedelta, such as timedelta(minutes=10).")
    return token.expires_on - cell.wall() >= least.total_seconds()


def warn_if_short(cell: Cell, token: Token, least: timedelta) -> None:
    """Warn the caller of `azure_token()` whose token does not last as long."""
    if lasts(cell, token, least):
        return
    left = max(0.0, token.expires_on - cell.wall())
    text = (
        f"azure_token(): the authority gives no token that lasts {least.total_seconds():.0f} s; it has {left:.0f} s"
        " left. The client that gets it will fail after that."
    )
    warn(text, stacklevel=3)
