"""The troubleshooting guide by its places, as plain text: whoever has only the installed package has no other copy."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import GUIDE, ConfigurationError

__all__ = ["places", "section"]

_PACKAGE = Path(__file__).parents[1]
# The build puts it into the package (pyproject.toml); in a checkout it is where it is written.
_COPIES = (_PACKAGE / Path(GUIDE).name, _PACKAGE.parents[1] / GUIDE)
_HEADING = re.compile(r"##+ (.+)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_ITEM = re.compile(r"(- |\d+\. )")


def places() -> list[str]:
    """The names of its sections, in their order."""
    return [_place(line[3:]) for line in _text().splitlines() if line.startswith("## ")]


def section(place: str) -> str | None:
    """A section for a terminal, one line for each paragraph; None: there is none of that name."""
    lines, is_in = list[str](), False
    for line in _text().splitlines():
        if line.startswith("## "):
            is_in = _place(line[3:]) == place
        if is_in:
            lines.append(line)
    return "\n".join(_plain(lines)).strip() if lines else None


def _text() -> str:
    for copy in _COPIES:
        if copy.is_file():
            return copy.read_text(encoding="utf-8")
    raise ConfigurationError(f"The guide is not part of this installation: {_COPIES[0]} is missing.")


def _place(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _plain(lines: list[str]) -> list[str]:
    """Markdown as text: a table's row is an item with a line for each cell, and what was wrapped is one line again."""
    done, header, is_code, is_begun = list[str](), list[str](), False, False
    for line in lines:
        if line.startswith("```"):
            is_code, is_begun = not is_code, False
        elif is_code:
            done.append(f"    {line}".rstrip())
        elif line.startswith("|"):
            cells = [_inline(cell.strip()) for cell in line.strip("|").split("|")]
            if not header:
                header = cells
            elif set("".join(cells)) - set("-"):
                rest = zip(header[1:], cells[1:], strict=True)
                done += [f"- {cells[0]}", *(f"    {name}: {cell}" for name, cell in rest)]
        elif found := _HEADING.fullmatch(line):
            done.append(found[1])
        else:
            header = []
            goes_on = is_begun and line.strip() and not _ITEM.match(line)
            done[-1:] = [f"{done[-1]} {line.strip()}"] if goes_on else [*done[-1:], line]
            is_begun = bool(line.strip())
    return [line if line.startswith("    ") else _inline(line) for line in done]


def _inline(text: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", re.sub(r"<a id=[^>]*></a>", "", text))
    parts = re.split(r"(`[^`]*`)", text)  # what is code stays as it is
    parts[::2] = [re.sub(r"\*([^*]+)\*", r"\1", part) for part in parts[::2]]
    return _LINK.sub(_link, "".join(parts))


def _link(found: re.Match[str]) -> str:
    text, target = found.groups()
    if target.startswith("#"):
        return f"{text} (entra-tokens explain {target[1:]})"
    return f"{text} ({target})" if target.startswith("https:") else text
