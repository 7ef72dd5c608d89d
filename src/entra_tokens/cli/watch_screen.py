"""What `watch` shows in a terminal."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

from ..engine.clock import SYSTEM_CLOCK
from . import talk
from .plainly import without_name
from .spans import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, RenderableType

    from ..engine.status import TokenEvent
    from .watched import Row

__all__ = ["clock", "line", "news", "screen", "screen_console"]

_STYLES = {"fresh": "green", "stale": "yellow", "expired": "bold red", "none": "bold red", "stored": "dim"}
_WIDE = 76  # columns; below, each token has a paragraph instead of a row


def screen_console() -> Console:
    """rich on stdout."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False)


def clock(at: float) -> str:
    """The time of day here."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def screen(rows: Sequence[Row], events: Iterable[TokenEvent], *, width: int, keys: bool) -> RenderableType:
    """Everything, as it is at this instant.

    Args:
        rows: What there is.
        events: The last ones.
        width: Columns.
        keys: Whether somebody can type.
    """
    from rich.console import Group
    from rich.text import Text

    now = SYSTEM_CLOCK.wall()
    parts: list[RenderableType] = [Text.assemble(("entra-tokens watch", "bold"), f"  {clock(now)}")]
    if not rows:
        parts.append(Text("\nNothing is held or stored here. Add --scope to get a token and keep it fresh.", "dim"))
    parts.append(_table(rows, now) if width >= _WIDE else _paragraphs(rows, now))
    parts += [Text(f"\n{talk.harmless(_error(row, now))}", "red") for row in rows if row.error]
    told = list(events)
    if told:
        parts.append(Text())
        parts += [Text(talk.one_line(news(each, why=False)), "dim") for each in told]
    parts.append(Text("\nq or Ctrl-C leaves" if keys else "\nCtrl-C leaves", "dim"))
    return Group(*parts)


def _table(rows: Sequence[Row], now: float) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("state", no_wrap=True)
    table.add_column("for", overflow="fold", ratio=3)
    table.add_column("of", overflow="ellipsis", no_wrap=True, ratio=2)
    for name in ("left", "renews in", "renewals"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = (_left(row.expires_on, now), _left(row.refresh_on, now), _counted(row))
        table.add_row(Text(row.state, _STYLES.get(row.state, "")), _plain(row.scopes), _plain(row.who), *cells)
    return table


def _paragraphs(rows: Sequence[Row], now: float) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for row in rows:
        renews = f", renews in {_left(row.refresh_on, now)}" if row.refresh_on else ""
        count = f"; renewals: {_counted(row)}" if row.state != "stored" else ""
        head = Text.assemble(
            ("\n" if parts else "", ""), (row.state, _STYLES.get(row.state, "")), f"  {talk.one_line(row.scopes)}"
        )
        parts += [
            head,
            *([_plain(f"  {row.who}")] if row.who else []),
            Text(f"  {_left(row.expires_on, now)} left{renews}{count}"),
        ]
    return Group(*parts)


def _plain(text: str) -> RenderableType:
    """A name that others have chosen, as it is: a string would be read as rich's markup."""
    from rich.text import Text

    return Text(talk.one_line(text))


def _left(until: float | None, now: float) -> str:
    if until is None:
        return "-"
    left = max(0, round(until - now))
    hours, rest = divmod(left, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _counted(row: Row) -> str:
    if row.state == "stored":
        return "-"
    return f"{row.renewals} ({row.failures} failed)" if row.failures else str(row.renewals)


def _error(row: Row, now: float) -> str:
    # Where nothing is held, whoever asks tries again at once.
    held = row.state in ("fresh", "stale")
    again = f" Next try in {_left(row.next_attempt, now)}." if row.next_attempt and held else ""
    return f"{row.error}{again}"


def line(row: Row, now: float) -> str:
    """One token in a line, for a log."""
    parts = [f"{clock(now)} {row.state:<7} {row.scopes}"]
    if row.who:
        parts.append(row.who)
    if row.expires_on is not None:
        parts.append(f"{in_words(row.expires_on - now)} left")
    if row.refresh_on is not None:
        parts.append(f"renews in {in_words(row.refresh_on - now)}")
    if row.state != "stored":
        parts.append(f"renewals {row.renewals}, failures {row.failures}")
    return "; ".join(parts) + (f"; last error: {row.error}" if row.error else "")


def news(event: TokenEvent, *, why: bool = True) -> str:
    """One event in a line.

    Args:
        event: The event.
        why: Whether to say why a renewal failed.
    """
    what = event.kind.replace("_", " ")
    more = ""
    if event.kind == "renewed" and event.expires_on is not None:
        more = f", good for {in_words(event.expires_on - event.at)}"
    elif event.error is not None and why:
        more = f": {without_name(event.error.message)}"
    return f"{clock(event.at)} {what}: {' '.join(event.scopes)}{more}"
