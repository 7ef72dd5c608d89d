"""The table, for a terminal and for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Outcome, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["plain", "table"]

_PEERS = (AZURE, MSAL, H2O, OURS)


def table(outcomes: Iterable[Outcome]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.HORIZONTALS, show_lines=True, pad_edge=False)
    made.add_column("#", justify="right")
    for title in ("work", *_PEERS):
        made.add_column(title)
    for title in ("target", "measured", "verdict"):
        made.add_column(title)
    for outcome in outcomes:
        marks = Text("\n").join(_mark(check.reached) for check in outcome.checks)
        made.add_row(
            str(outcome.number),
            _work(outcome),
            *("\n".join(_lines(outcome, peer)) or "-" for peer in _PEERS),
            "\n".join(check.target for check in outcome.checks) or outcome.error,
            "\n".join(check.measured for check in outcome.checks),
            marks if not outcome.error else Text("not measured", "bold yellow"),
        )
    return made


def _mark(reached: bool) -> Any:
    from rich.text import Text

    return Text("reached", "green") if reached else Text("short", "bold red")


def plain(outcome: Outcome) -> str:
    """One row as lines of text."""
    lines = [f"{outcome.number:>2}  {_work(outcome)}"]
    for peer in _PEERS:
        lines += [f"    {peer:<15}{line}" for line in _lines(outcome, peer)]
    for check in outcome.checks:
        lines.append(f"    {'reached' if check.reached else 'SHORT':<15}{check.target}: {check.measured}")
    lines += [f"    note           {note}" for note in outcome.notes]
    if outcome.error:
        lines.append(f"    NOT MEASURED   {outcome.error}")
    return "\n".join(lines)


def _work(outcome: Outcome) -> str:
    floors = [f"{FLOOR}: {line}" for line in _lines(outcome, FLOOR)]
    return "\n    ".join([outcome.work, *floors])


def _lines(outcome: Outcome, peer: str) -> list[str]:
    lines = []
    for figure in outcome.figures:
        if figure.peer == peer:
            value = f"{shown(figure.median)} {figure.unit}".strip() if figure.samples else "-"
            parts = [value, figure.what, f"({figure.note})" if figure.note else ""]
            lines.append(" ".join(part for part in parts if part))
    return lines
