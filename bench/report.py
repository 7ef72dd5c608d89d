"""The table, for a terminal and for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Check, Outcome, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["plain", "table"]

_PEERS = (AZURE, MSAL, H2O, OURS)


def table(outcomes: Iterable[Outcome]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.HORIZONTALS, pad_edge=False)
    made.add_column("#", justify="right")
    for title in ("work", *_PEERS, "target", "measured", "verdict"):
        made.add_column(title)
    for outcome in outcomes:
        cells = [str(outcome.number), _work(outcome, "\n")]
        cells += ["\n".join(_lines(outcome, peer)) or "-" for peer in _PEERS]
        rows: list[tuple[Any, ...]] = [(check.target, check.measured, _mark(check)) for check in outcome.checks]
        # One line a target, so that what was measured stands beside it however the cells are wrapped.
        for row in rows or [(outcome.error, "", Text("not measured", "bold yellow"))]:
            made.add_row(*cells, *row)
            cells = [""] * len(cells)
        made.add_section()
    return made


def _mark(check: Check) -> Any:
    from rich.text import Text

    return Text("reached", "green") if check.reached else Text("short", "bold red")


def plain(outcome: Outcome) -> str:
    """One row as lines of text."""
    indented = "\n    "
    lines = [f"{outcome.number:>2}  {_work(outcome, indented)}"]
    for peer in _PEERS:
        lines += [f"    {peer:<15}{line}" for line in _lines(outcome, peer)]
    for check in outcome.checks:
        lines.append(f"    {'reached' if check.reached else 'SHORT':<15}{check.target}: {check.measured}")
    lines += [f"    note           {note}" for note in outcome.notes]
    if outcome.error:
        lines.append(f"    NOT MEASURED   {outcome.error}")
    return "\n".join(lines)


def _work(outcome: Outcome, between: str) -> str:
    floors = [f"{FLOOR}: {line}" for line in _lines(outcome, FLOOR)]
    return between.join([outcome.work, *floors])


def _lines(outcome: Outcome, peer: str) -> list[str]:
    lines = []
    for figure in outcome.figures:
        if figure.peer == peer:
            value = f"{shown(figure.median)} {figure.unit}".strip() if figure.samples else "-"
            parts = [value, figure.what, f"({figure.note})" if figure.note else ""]
            lines.append(" ".join(part for part in parts if part))
    return lines
