"""A QR code for a terminal, as wide as the terminal allows."""

from __future__ import annotations

__all__ = ["qr_lines"]

_BORDER = 2  # modules; the standard wants 4, phones are content with 2
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def qr_lines(text: str, columns: int, *, blocks: bool, colours: bool) -> list[str]:
    """The lines to print; none where they do not fit, or where it could not be drawn.

    Args:
        text: What it holds.
        columns: How wide it may be.
        blocks: Whether the terminal has half blocks: two modules a character.
        colours: Whether it may be coloured: then it is dark on light whatever the colours are; without, light
            modules are drawn, which is right on a dark terminal (most phones read the other, too). Without half blocks
            a module is two coloured spaces.
    """
    import segno

    matrix = [[bool(module) for module in row] for row in segno.make(text, micro=False).matrix_iter(border=_BORDER)]
    if blocks:
        if len(matrix[0]) > columns:
            return []
        rows = ["".join(_HALVES[not a, not b] for a, b in _pairs(matrix, row)) for row in range(0, len(matrix), 2)]
        return [f"\x1b[97;40m{row}\x1b[0m" if colours else row for row in rows]
    if not colours or 2 * len(matrix[0]) > columns:
        return []
    return ["".join("\x1b[40m  " if module else "\x1b[107m  " for module in row) + "\x1b[0m" for row in matrix]


def _pairs(matrix: list[list[bool]], row: int) -> list[tuple[bool, bool]]:
    below = matrix[row + 1] if row + 1 < len(matrix) else [True] * len(matrix[row])
    return list(zip(matrix[row], below, strict=True))
