"""Runs a developer's command as azure-identity does: no shell, a fixed folder, stdin closed, in a limited time."""

from __future__ import annotations

import os
from typing import NamedTuple

from .. import environment
from ..authority.failures import unavailable
from ..errors import CredentialUnavailable

__all__ = ["SLOW", "Ended", "profile", "run"]

SLOW = "If it is only slow, raise timeout=."

_ANCHOR = "command-line-tools"


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    def __repr__(self) -> str:
        return f"<ended with {self.status}>"


def run(name: str, arguments: list[str], *, timeout: float, who: str) -> Ended:
    """Run it to its end.

    Args:
        name: The command's, looked up on PATH.
        arguments: Checked by the caller.
        timeout: Seconds; then it is stopped.
        who: The credential, for messages.

    Raises:
        CredentialUnavailable: It is not there, or cannot be started.
        AuthorityUnavailable: It did not end in time.
    """
    import shutil
    import subprocess

    path = shutil.which(name)
    if path is None:
        raise CredentialUnavailable(
            f"{who}: there is no '{name}' on PATH. Install it, or give this program a PATH with it.", anchor=_ANCHOR
        )
    # Not the program's folder: what lies there must not be taken for a part of the command.
    folder = environment.read("SYSTEMROOT") if os.name == "nt" else "/bin"
    why = ""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; every argument is checked
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=folder or None,
            env={**environment.snapshot(), "NO_COLOR": "true"},
            timeout=timeout,
        )
        return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    except subprocess.TimeoutExpired:
        pass
    except OSError as error:
        why = error.strerror or type(error).__name__
    if why:
        raise CredentialUnavailable(
            f"{who}: '{name}' cannot be started: {why}. Start it by hand and see what it says.", anchor=_ANCHOR
        )
    raise unavailable(who, f"'{name}' did not end within {timeout:g} s", step=SLOW, anchor=_ANCHOR)


def profile(variable: str, folder: str, file: str) -> tuple[str, str]:
    """A command's profile file and its time, which change when somebody else signs in.

    Args:
        variable: Names the folder, where it is set.
        folder: In the user's home.
        file: In that folder.
    """
    given = environment.read(variable) if variable else ""
    path = os.path.join(given or os.path.join(os.path.expanduser("~"), folder), file)
    try:
        return path, str(os.stat(path).st_mtime_ns)
    except OSError:
        return path, ""
