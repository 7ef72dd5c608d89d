"""Where what is kept lives."""

from __future__ import annotations

import os.path

from .. import environment

__all__ = ["home", "store_folder"]


def home() -> str | None:
    """The folder of this package's own files: `ENTRA_TOKENS_HOME`, else in the user's data folder; None: no home."""
    given = environment.read("ENTRA_TOKENS_HOME")
    if given:
        found = os.path.expanduser(given)
    else:
        import platformdirs

        try:
            found = platformdirs.user_data_dir("entra-tokens", appauthor=False)
        except RuntimeError:  # nothing says which home is whose
            return None
    # Then expanduser(), and platformdirs before 4.12, leave the tilde.
    return None if found.startswith("~") else os.path.abspath(found)


def store_folder() -> str | None:
    """Where a store is that nobody gave a folder; None: no home."""
    found = home()
    return None if found is None else os.path.join(found, "store")
