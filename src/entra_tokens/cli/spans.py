"""Spans of time as people write and read them."""

from __future__ import annotations

__all__ = ["in_words", "seconds_of"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def seconds_of(text: str) -> float:
    """`90`, `90s`, `10m`, `1h30m`, `1d` in seconds.

    Raises:
        ValueError: It is none of these.
    """
    total, number = 0.0, ""
    if not text.strip() or not text.isascii():
        raise ValueError(text)
    for letter in text.strip().lower():
        if letter.isdigit() or letter == ".":
            number += letter
        elif letter in _UNITS and number:
            total, number = total + float(number) * _UNITS[letter], ""
        else:
            raise ValueError(text)
    return total + (float(number) if number else 0.0)


def in_words(seconds: float) -> str:
    """`52 minutes`, `1 hour 5 minutes`, `3 days`: two units at most, the smaller one only where it says much."""
    left = max(0, int(seconds))
    for at, (size, name) in enumerate(_WORDS):
        if left >= size or size == 1:
            count, rest = divmod(left, size)
            text = _counted(count, name)
            if count < 4 and at + 1 < len(_WORDS) and (more := rest // _WORDS[at + 1][0]):
                text += " " + _counted(more, _WORDS[at + 1][1])
            return text
    return ""


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
