"""What a person sees while a sign-in goes on: link, code, QR code, and how long there is."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .. import environment
from ..engine.clock import SYSTEM_CLOCK
from . import talk
from .desktop import copied, has_browser, opened
from .spans import in_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from ..credentials.prompt import DeviceCodePrompt

__all__ = ["PAGE_PATIENCE", "SignInScreen"]

PAGE_PATIENCE = 300.0  # seconds that a person has for the page in the browser
_TICK = 0.1  # seconds between looks at the keyboard
_JOIN = 1.0  # seconds for the thread to clear its line


class SignInScreen:
    """Shows a sign-in on stderr. Its thread counts down and reads Enter; it never keeps the process from ending.

    On anything but a terminal it says what there is to do once, in lines.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._until = 0.0
        self._on_enter: Callable[[], None] | None = None
        self._is_terminal = talk.is_terminal(sys.stderr) and environment.read("TERM") != "dumb"
        self._keys = self._is_terminal and _may_read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(_JOIN)

    def show_code(self, prompt: DeviceCodePrompt) -> None:
        """Show the link and the code, and go on counting."""
        with self._writing:
            self._clear()
            talk.say(f"To sign in, open  {prompt.verification_uri}\nand enter the code  {prompt.user_code}\n")
            if not self._is_terminal:
                talk.say(f"The code is good for {in_words(prompt.expires_on - SYSTEM_CLOCK.wall())}.")
                return
            self._show_qr(prompt.verification_uri)
            if self._keys:
                and_open = " and open the page" if has_browser() else ""
                talk.say(f"Press Enter to copy the code{and_open}; Ctrl-C to leave.")
        self._count(prompt.expires_on, lambda: self._copy(prompt))

    def show_page(self, address: str) -> bool:
        """Open the page in the browser; False: there is none."""
        if not opened(address):
            return False
        with self._writing:
            self._clear()
            talk.say(f"Your browser shows the page to sign in on. If it does not, open this one there:\n{address}\n")
        self._count(SYSTEM_CLOCK.wall() + PAGE_PATIENCE, None)
        return True

    def show_wait(self, until: float) -> None:
        """Another process asks the person already."""
        with self._writing:
            self._clear()
            talk.say(
                "Another entra-tokens is asking for this sign-in; this one waits and will use it. Ctrl-C to leave."
            )
        self._count(until, None)

    def _show_qr(self, text: str) -> None:
        with suppress(Exception):  # a decoration
            from .qr import qr_lines

            blocks = talk.speaks(sys.stderr, "█▀▄")
            for line in qr_lines(text, talk.width(), blocks=blocks, colours=not environment.read("NO_COLOR")):
                sys.stderr.write(line + "\n")
            sys.stderr.write("\n")

    def _count(self, until: float, on_enter: Callable[[], None] | None) -> None:
        self._until, self._on_enter = until, on_enter
        if self._is_terminal and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="entra-tokens screen", daemon=True)
            self._thread.start()

    def _clear(self) -> None:
        if self._thread is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write("\r\x1b[K")

    def _run(self) -> None:
        shown = ""
        with suppress(Exception):  # the terminal is gone, perhaps; the sign-in goes on, and ends as it ends
            while not self._over.is_set():
                left = max(0, int(self._until - SYSTEM_CLOCK.wall()))
                text = f"Waiting: {left // 60}:{left % 60:02d} left"
                if text != shown:
                    shown = text
                    with self._writing:
                        sys.stderr.write(f"\r{text}\x1b[K")
                        sys.stderr.flush()
                if self._entered() and self._on_enter is not None:
                    shown = ""
                    sys.stderr.write("\x1b[A\r\x1b[K")  # up again: the terminal has echoed Enter
                    self._on_enter()
            with self._writing:
                self._clear()
                sys.stderr.flush()

    def _entered(self) -> bool:
        """Wait a tick for Enter."""
        if not self._keys:
            self._over.wait(_TICK)
            return False
        if sys.platform == "win32":
            import msvcrt

            self._over.wait(_TICK)
            typed = [msvcrt.getwch() for _ in iter(msvcrt.kbhit, False)]
            return any(key in "\r\n" for key in typed)
        import select

        if not select.select([sys.stdin], [], [], _TICK)[0]:
            return False
        typed = os.read(sys.stdin.fileno(), 1024)
        self._keys = bool(typed)  # nothing: somebody typed Ctrl-D
        return b"\n" in typed

    def _copy(self, prompt: DeviceCodePrompt) -> None:
        done = "The code is copied." if copied(prompt.user_code, sys.stderr) else "The code cannot be copied here."
        page = " The page opens in your browser." if opened(prompt.verification_uri) else ""
        talk.say(done + page)


def _may_read() -> bool:
    """Whether the keyboard is ours: a job in the background is stopped when it reads."""
    if not talk.is_terminal(sys.stdin):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return sys.platform == "win32"
