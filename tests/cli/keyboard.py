"""The command on a terminal of its own: what a person sees there, and what they type."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

from cli.command import COMMAND
from entra_tokens.engine.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Terminal"]

_PATIENCE = 40.0  # seconds
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


class Terminal:
    """A pseudo-terminal with the command on it. What it printed is `raw`, and without escape sequences `text`.

    Args:
        arguments: The command's.
        environ: Its environment.
        columns: The terminal's width.
    """

    def __init__(self, *arguments: str, environ: dict[str, str], columns: int = 80) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        # A process that leads a session and opens a terminal has it as its own: Ctrl-C reaches it.
        script = 'exec "$@" <"$0" >"$0" 2>&1'
        environ = {"TERM": "xterm-256color", **environ}
        environ.pop("COLUMNS", None)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", script, os.ttyname(theirs), COMMAND, *arguments], env=environ, start_new_session=True
        )
        self._theirs: int | None = theirs
        self.raw = ""

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw).replace("\r", "")

    def until(self, pattern: str) -> re.Match[str]:
        """Read until this is there."""
        end = SYSTEM_CLOCK.boot() + _PATIENCE
        while not (found := re.search(pattern, self.text)):
            assert SYSTEM_CLOCK.boot() < end, f"no {pattern!r} in:\n{self.text}"
            assert self._read(end), f"no {pattern!r} before its end, in:\n{self.text}"
        return found

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """Read to the end; the exit status."""
        end = SYSTEM_CLOCK.boot() + _PATIENCE
        while self._read(end):
            assert SYSTEM_CLOCK.boot() < end, f"no end of:\n{self.text}"
        return self._process.wait(_PATIENCE)

    def _read(self, end: float) -> bool:
        if self._theirs is not None and self.raw:  # the command has it open now; else its end could not be seen
            os.close(self._theirs)
            self._theirs = None
        if not select.select([self._ours], [], [], max(0.0, end - SYSTEM_CLOCK.boot()))[0]:
            return True
        try:
            more = os.read(self._ours, 65536)
        except OSError:  # Linux's way to say that nobody has the other side open
            return False
        self.raw += more.decode(errors="replace")
        return bool(more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
        if self._theirs is not None:
            os.close(self._theirs)
