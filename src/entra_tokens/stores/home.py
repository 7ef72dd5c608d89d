"""Where what is kept lives."""

from __future__ import annotations

import os.path
import sys
from typing import TYPE_CHECKING

from .. import environment

if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["data", "config"]

__all__ = ["home", "store_folder"]

_NAME = "entra-tokens"
_XDG = {"data": ("XDG_DATA_HOME", ".local/share"), "config": ("XDG_CONFIG_HOME", ".config")}


def home(kind: Kind = "data") -> str | None:
    """The folder of this package's own files: `ENTRA_TOKENS_HOME`, else in the user's folder; None: no home.

    Args:
        kind: Of which of the user's folders: for data, or for configuration.
    """
    given = environment.read("ENTRA_TOKENS_HOME")
    found = os.path.expanduser(given) if given else _plain(kind) or _platform_s(kind)
    # A tilde is what expanduser() leaves where nothing says which home is whose, and platformdirs before 4.12 likewise.
    return None if found is None or found.startswith("~") else os.path.abspath(found)


def store_folder() -> str | None:
    """Where a store is that nobody gave a folder; None: no home."""
    found = home()
    return None if found is None else os.path.join(found, "store")


def _plain(kind: Kind) -> str | None:
    """What platformdirs says on a Linux where nothing is unusual; to import that is 10 ms, an eighth of the command's.

    https://specifications.freedesktop.org/basedir-spec/latest/#variables
    """
    if sys.platform != "linux" or environment.read("ANDROID_DATA"):
        return None
    variable, beneath = _XDG[kind]
    folder = environment.read(variable)
    if not folder and (user := environment.read("HOME")):
        folder = f"{user.rstrip('/')}/{beneath}"
    return os.path.join(folder, _NAME) if folder.startswith("/") else None


def _platform_s(kind: Kind) -> str | None:
    import platformdirs

    try:
        if kind == "data":
            return platformdirs.user_data_dir(_NAME, appauthor=False)
        return platformdirs.user_config_dir(_NAME, appauthor=False, roaming=True)
    except RuntimeError:  # nothing says which home is whose
        return None
