"""What `doctor` shows in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import talk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .checks.finding import Finding

__all__ = ["show"]

_MARKS = {
    "ok": ("✓", "+", "green"),
    "warn": ("!", "!", "yellow"),
    "fail": ("✗", "x", "bold red"),
    "absent": ("-", "-", "dim"),
}
_NARROW = 70  # columns; below, what was found stands under its name


def show(report: Mapping[str, Sequence[Finding]], notes: Mapping[str, str]) -> None:
    """Write the report to stdout, as wide as the terminal is.

    Args:
        report: Findings by group.
        notes: What stands beside a group's name.
    """
    import sys

    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=talk.width(), highlight=False)
    plain = not talk.speaks(sys.stdout, "✓✗→")
    for group, findings in report.items():
        console.print(
            Text.assemble("\n", (group, "bold"), f"  {talk.harmless(notes[group])}" if group in notes else "")
        )
        table = Table.grid(padding=(0, 1))
        wide = console.width >= _NARROW
        table.add_column(width=1)
        table.add_column(no_wrap=wide, ratio=None)
        if wide:
            table.add_column(overflow="fold", ratio=1)
            table.add_column(justify="right", no_wrap=True)
        for each in findings:
            fancy, simple, style = _MARKS[each.state]
            mark = Text(simple if plain else fancy, style)
            time = Text(f"{each.seconds:.2f} s" if each.seconds is not None else "", "dim")
            what = Text(talk.harmless(each.what).rstrip("."), "dim" if each.state == "absent" else "")
            if each.remedy:
                what.append(f"\n{'->' if plain else '→'} ", style)
                what.append(talk.harmless(each.remedy), "bold")
            if wide:
                table.add_row(mark, Text(each.name, "dim" if each.state == "absent" else ""), what, time)
            else:
                head = Text.assemble((each.name, "dim" if each.state == "absent" else "bold"), "  ", time)
                table.add_row(mark, Text("\n").join([head, what]))
        console.print(Padding(table, (0, 0, 0, 2)))
    console.print()
