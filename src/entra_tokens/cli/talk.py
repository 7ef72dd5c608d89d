"""The one place that writes: results to stdout, and nothing else there; talk to stderr."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .. import environment

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Unread",
    "completing",
    "console",
    "error",
    "finish",
    "harmless",
    "interrupted",
    "is_terminal",
    "lines",
    "nobody_reads",
    "one_line",
    "prepare",
    "result",
    "say",
    "speaks",
    "take_log",
    "width",
]

_BROKEN_PIPE = 141  # what a shell reports for a program that SIGPIPE ended
_UNWRITTEN = 7
_WIDEST, _NARROWEST = 100, 20


class Unread(Exception):
    """Whoever read stdout has left, or it takes nothing. Not an OSError: click would end the process for one.

    Args:
        why: What the system says to that; None: the reader has left, as `head` does, and there is nothing to tell.
    """

    def __init__(self, why: str | None = None) -> None:
        super().__init__(why)
        self.why = why


def prepare() -> None:
    """Make the streams safe for any text in any locale, and let warnings reach a person as sentences."""
    for stream, otherwise in (
        (sys.stdin, "replace"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=otherwise)
    if not sys.warnoptions:
        import warnings

        # Ours are logged as well, and an unconfigured log writes the sentence alone to stderr.
        warnings.simplefilter("ignore")


def take_log() -> None:
    """Have what the package warns of told as everything else is."""
    import logging

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error(record.getMessage())

    logging.getLogger("entra_tokens").addHandler(Told(logging.WARNING))


def completing() -> bool:
    """Whether a shell asks for completions, which click answers."""
    return bool(environment.read("_ENTRA_TOKENS_COMPLETE"))


def result(text: str) -> None:
    """Write a line of the result.

    Raises:
        Unread: Nobody reads it.
    """
    if sys.stdout is None:  # `>&-`
        raise Unread("it is closed")
    try:
        sys.stdout.write(harmless(text) + "\n")
    except OSError as error:
        raise _unread(error) from None


def lines(text: str) -> None:
    """Write sentences of the result: on a terminal in lines that fit."""
    for line in text.split("\n"):
        for part in _fitting(line) if is_terminal(sys.stdout) else [line]:
            result(part)


def finish() -> None:
    """Have the result delivered, while an error can still be told.

    Raises:
        Unread: Nobody reads it.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _unread(error) from None


def harmless(text: str) -> str:
    """What comes from a server, a file or a variable gives a terminal no orders: lines and tabs are left of them."""
    if text.isprintable():
        return text
    import re

    # C0 and C1 but for line feed and tab, and what turns the direction of writing.
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", "?", text)


def one_line(text: str) -> str:
    """A value that others have written, a claim or a name: nothing in it moves the cursor or begins a line."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def say(text: str = "") -> None:
    """Tell a person something: on a terminal in lines that fit, elsewhere as it is."""
    if sys.stderr is None:  # pythonw has none
        return
    lines = text.split("\n")
    if is_terminal(sys.stderr):
        lines = [part for line in lines for part in _fitting(line)]
    with suppress(OSError, ValueError):  # nobody listens: that alone must not change how the command ends
        sys.stderr.write(harmless("\n".join(lines)) + "\n")
        sys.stderr.flush()


def error(text: str) -> None:
    """Tell why the command could not do it, in its own words."""
    from .plainly import as_typed  # its patterns take 3 ms, which a token from the store need not

    say(f"entra-tokens: {as_typed(text)}")


def interrupted() -> None:
    """End the line in which the terminal shows ^C."""
    if is_terminal(sys.stderr):
        say()


def nobody_reads(unread: Unread) -> int:
    """Whoever read stdout has left (`| head -1`), or the disk is full; returns the exit status."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):  # else the interpreter complains when it flushes at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if unread.why is None:
        return _BROKEN_PIPE
    error(f"stdout takes nothing: {unread.why}.")
    return _UNWRITTEN


def is_terminal(stream: Any) -> bool:
    """Whether a person is at the other end of it."""
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:  # closed
        return False


def speaks(stream: Any, text: str) -> bool:
    """Whether the stream's encoding has these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def width() -> int:
    """Columns to use: those of the terminal (`COLUMNS` first), and at most 100."""
    import shutil

    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def console() -> Console:
    """rich on stderr: plain text where stderr is no terminal, no colours under NO_COLOR. Imported here (60 ms)."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not is_terminal(sys.stderr))


def _unread(error: OSError) -> Unread:
    return Unread(None if isinstance(error, BrokenPipeError) else error.strerror or type(error).__name__)


def _fitting(line: str) -> list[str]:
    columns = width()
    if len(line) <= columns:
        return [line]
    import textwrap

    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
