"""What a person reads who starts the emulator in a terminal: where it is, and what leads code to it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["export_lines", "show"]

_FIRST = ("imds", "client_secret")


def export_lines(variables: dict[str, str]) -> list[str]:
    """Lines for a POSIX shell. What comes before the shell's own PATH is put before it, wherever they are pasted."""
    lines = []
    for name, value in variables.items():
        if name == "PATH":
            folder = value.partition(":")[0]
            lines.append(f'export PATH={shlex.quote(folder)}:"$PATH"')
        else:
            lines.append(f"export {name}={shlex.quote(value)}")
    return lines


def show(
    emulator: Emulator,
    environs: dict[str, dict[str, str]],
    place: str | None = None,
    console: Console | None = None,
) -> None:
    """Print the panel, and below it the lines to paste.

    Args:
        environs: The variables of each place that can be had here.
        place: The only one to show the lines of; None: the most usual two, and the names of the others.
    """
    console = console or Console(highlight=False)
    addresses = Table.grid(padding=(0, 2))
    addresses.add_column(style="bold", no_wrap=True)
    addresses.add_column(overflow="fold")
    rows = {
        "Control room": emulator.control_room_url,
        "Authority": emulator.authority,
        "Managed identity": emulator.managed_identity_url,
        "h2oGPTe front": emulator.h2ogpte_url,
        "Scope": emulator.h2ogpte_scope,
        "CA to trust": emulator.ca_file,
    }
    for name, value in rows.items():
        addresses.add_row(name, Text(value, style="cyan" if name == "Control room" else ""))
    end = Text("Nothing here is a real account. Ctrl-C ends it.", style="dim")
    console.print(Panel(Group(addresses, Text(), end), title="Entra emulator", expand=False, padding=(1, 2)))
    chosen = [place] if place else list(_FIRST)
    for name in chosen:
        console.print(Text(f"\n# {name}: for code that shall believe it runs there", style="dim"))
        lines = export_lines(environs[name]) if name in environs else [f"# {name} cannot be had here (see its docs)"]
        for line in lines:
            console.print(line, markup=False, soft_wrap=True)  # whole lines, to be pasted
    if not place:
        others = ", ".join(name for name in environs if name not in _FIRST)
        console.print(Text(f"\n# others, by --place NAME: {others}", style="dim"))
