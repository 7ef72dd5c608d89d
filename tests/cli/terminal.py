"""Runs a program in a terminal of its own, of some width, and keeps what it writes there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["plain", "show"]

# A new session whose controlling terminal this is, as a login has.
_SESSION = "import os, sys, fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
_SESSION += "os.execv(sys.argv[1], sys.argv[1:])"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def show(
    command: Sequence[str],
    environ: dict[str, str],
    *,
    columns: int = 80,
    rows: int = 24,
    react: Callable[[str, Callable[[str], None], subprocess.Popen[bytes]], None] = lambda *_: None,
) -> tuple[int, str]:
    """Run it to its end.

    Args:
        command: With its whole path.
        environ: Its environment.
        columns: How wide the terminal is.
        rows: How high it is.
        react: Called whenever more has come, with all there is, what types, and the process.

    Returns:
        The exit status, and everything written.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _SESSION, *command],
        env={"TERM": "xterm-256color", **{name: value for name, value in environ.items() if name != "COLUMNS"}},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    try:
        with suppress(OSError):  # EIO: everybody at the other end has left
            while more := os.read(leader, 4096):
                seen += more
                react(seen.decode("utf-8", "replace"), lambda text: void(os.write(leader, text.encode())), process)
        return process.wait(20), seen.decode("utf-8", "replace")
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def void(_: object) -> None:
    """Nothing."""


def plain(text: str) -> str:
    """Without colours and cursor movements."""
    return _ESCAPES.sub("", text).replace("\r", "")
