"""What is around the terminal: the clipboard and the browser. Nothing here may make a command fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from .. import environment

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["copied", "has_browser", "opened"]

_PATIENCE = 5.0  # seconds for a tool that puts text into a clipboard
_OPENING = 15.0  # seconds until the browser has been told; a text browser would stay

# The programs that copy their input, and the variable without which one cannot work here.
_COPIERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("pbcopy",)),
    ("", ("clip.exe",)),
    ("TMUX", ("tmux", "load-buffer", "-w", "-")),
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("termux-clipboard-set",)),
)


def copied(text: str, terminal: TextIO) -> bool:
    """Put text into the clipboard of whoever sits at the terminal; False: it could not be done.

    Over SSH the clipboard is not this machine's: the terminal is asked (OSC 52), and does not say whether it did.
    """
    if not _over_ssh():
        for variable, command in _COPIERS:
            if (not variable or environment.read(variable)) and shutil.which(command[0]) and _fed(command, text):
                return True
    if environment.read("TERM", "dumb") == "dumb":
        return False
    import base64

    try:
        terminal.write(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07")
        terminal.flush()
    except (OSError, ValueError):
        return False
    return True


def has_browser() -> bool:
    """Whether a browser can show something to whoever sits here."""
    if environment.read("BROWSER"):
        return True
    if _over_ssh():
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(environment.read("DISPLAY") or environment.read("WAYLAND_DISPLAY") or shutil.which("wslview"))


def opened(address: str) -> bool:
    """Tell the browser to open a page; False: there is none, or it is no page to open.

    By a process of its own, because browsers and their starters write to whatever stdout they are given.
    """
    if not address.startswith(("https://", "http://localhost:", "http://127.0.0.1:")) or not has_browser():
        return False
    try:
        subprocess.run(  # noqa: S603 - no shell, and an address that was looked at
            [sys.executable, "-m", "webbrowser", address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_OPENING,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return True
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _over_ssh() -> bool:
    return bool(environment.read("SSH_CONNECTION") or environment.read("SSH_TTY"))


def _fed(command: tuple[str, ...], text: str) -> bool:
    try:
        # Not captured: these stay in the background to serve the clipboard, with whatever they were given.
        done = subprocess.run(  # noqa: S603 - of this file's own list
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
