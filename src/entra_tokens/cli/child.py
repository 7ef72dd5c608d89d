"""Running somebody else's command: its environment, its signals, its end. Never through a shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import talk
from .signals import Signals, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Ended", "become", "run"]

NOT_FOUND, CANNOT_RUN = 127, 126  # POSIX, XCU 2.8.2
_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGBREAK")
# What a terminal sends to everything in front of it: the command has got it already.
_FROM_TERMINALS = named("SIGINT", "SIGQUIT", "SIGBREAK")


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        status: Its exit status; negative: the signal that ended it.
    """

    status: int

    def pass_on(self) -> int:
        """End as it did: return its status, or die of the same signal, so that a shell sees a Ctrl-C for what it is."""
        if self.status >= 0:
            return self.status
        talk.finish()
        with suppress(OSError, ValueError):  # ValueError: SIGKILL cannot be set, and need not be
            _no_core()
            signal.signal(-self.status, signal.SIG_DFL)
        with suppress(OSError):
            os.kill(os.getpid(), -self.status)
        return 128 - self.status


def become(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Turn this process into the command; returns (a status) only where that cannot be.

    Nothing of ours is left then: signals, status and job control are the command's own.
    """
    if sys.platform == "win32":  # there a replaced process is another one, which nobody waits for
        return run(command, environ).status
    talk.finish()
    for one in named("SIGPIPE", "SIGXFSZ"):
        signal.signal(one, signal.SIG_DFL)  # Python ignores these, and that would be inherited
    try:
        os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 - without a shell on purpose
    except OSError as error:
        return _failed(command[0], error)


def run(command: Sequence[str], environ: Mapping[str, str]) -> Ended:
    """Run the command to its end, and pass on the signals that come meanwhile."""
    with Signals(named(*_PASSED_ON)) as signals:
        try:
            child = subprocess.Popen(list(command), env=dict(environ))  # noqa: S603 - what the user typed; no shell
        except OSError as error:
            return Ended(_failed(command[0], error))

        def wait() -> None:
            child.wait()
            signals.put(None)

        threading.Thread(target=wait, name="entra-tokens-child", daemon=True).start()
        while True:
            came = signals.wait()
            if came is None:
                return Ended(child.returncode)
            if came not in _FROM_TERMINALS or not _in_front():
                with suppress(OSError):
                    child.send_signal(came)


def _failed(name: str, error: OSError) -> int:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        talk.error(f"{name}: there is no such command.")
        return NOT_FOUND
    talk.error(f"{name}: cannot be run: {error.strerror or type(error).__name__}.")
    return CANNOT_RUN


def _in_front() -> bool:
    """Whether this process and its command are what the terminal sends Ctrl-C to."""
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:  # there is none
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _no_core() -> None:
    """The command has left its core already, if it was to."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
