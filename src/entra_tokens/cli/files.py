"""Files that a person named by path: what would be read for ever in a file's place is found before."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .settings import Setting

__all__ = ["checked_ca", "read_file", "why_no_file"]


def why_no_file(path: str, *, folder: bool = False) -> str | None:
    """Why what is there is no file; None: it is one. Nobody writes into a pipe of that name, so its reader waits.

    Args:
        path: Where to look.
        folder: Whether a folder will do, too.

    Raises:
        OSError: Nothing can be seen there.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISREG(mode) or (folder and stat.S_ISDIR(mode)):
        return None
    return "it is a folder" if stat.S_ISDIR(mode) else "it is no file, but a pipe, a socket or a device"


def read_file(path: str) -> str:
    """The text of a settings file.

    Raises:
        FileNotFoundError: There is none.
        ConfigurationError: It cannot be read.
    """
    try:
        why = why_no_file(path)
        if why is None:
            with open(path, "rb") as file:
                return file.read().decode()
    except FileNotFoundError:
        raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8"
    raise ConfigurationError(f"{path} cannot be read: {why}.")


def checked_ca(ca: Setting) -> None:
    """Look at the CA file that the settings name, before anything is begun that it is needed for.

    Raises:
        ConfigurationError: It is not there, or cannot be one.
    """
    if not ca.value:
        return
    from ..authority.verify import ssl_context

    path = os.path.expanduser(ca.value)
    try:
        why = why_no_file(path, folder=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
    if why is not None:
        raise ConfigurationError(f"The CA file {path!r} ({ca.source}) cannot be read: {why}.")
    ssl_context(path)
