"""Single keys from the keyboard, where there is one and it is ours."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Keyboard"]

_TICK = 0.1  # seconds within which the reading ends when it is told to


class Keyboard:
    """Reads keys while it is entered, without waiting for Enter; the terminal is left as it was.

    Args:
        pressed: Called with each key, on a thread of its own.
    """

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="entra-tokens-keyboard", daemon=True)
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if self._is_ours():
            if sys.platform != "win32":
                import termios
                import tty

                with suppress(termios.error):
                    self._before = termios.tcgetattr(sys.stdin.fileno())
                    tty.setcbreak(sys.stdin.fileno())
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        if sys.platform != "win32" and self._before is not None:
            import termios

            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    @staticmethod
    def _is_ours() -> bool:
        """Whether a person types here: a job in the background is stopped when it reads."""
        if not talk.is_terminal(sys.stdin):
            return False
        if sys.platform == "win32":
            return True
        with suppress(OSError):
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        return False

    def _run(self) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone
            while not self._over.is_set():
                for key in self._typed():
                    self._pressed(key)

    def _typed(self) -> str:
        if sys.platform == "win32":
            import msvcrt

            self._over.wait(_TICK)
            return "".join(msvcrt.getwch() for _ in iter(msvcrt.kbhit, False))
        import select

        if not select.select([sys.stdin], [], [], _TICK)[0]:
            return ""
        typed = os.read(sys.stdin.fileno(), 64)
        if not typed:  # nobody is there any more
            self._over.set()
        return typed.decode("utf-8", "replace")
