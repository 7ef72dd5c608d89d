"""Profiles: settings under a name, in a TOML file."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import environment
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["config_file", "read_profile", "read_profiles"]


def config_file() -> Path | None:
    """`config.toml` in `ENTRA_TOKENS_HOME`, else in the user's configuration folder; None: there is no home."""
    given = environment.read("ENTRA_TOKENS_HOME")
    if given:
        found = os.path.expanduser(given)
    else:
        import platformdirs

        try:
            found = platformdirs.user_config_dir("entra-tokens", appauthor=False, roaming=True)
        except RuntimeError:
            return None
    return None if found.startswith("~") else Path(os.path.abspath(found)) / "config.toml"


def read_profile(name: str, *, must_be: bool) -> Mapping[str, str]:
    """A profile's settings.

    Args:
        name: Which.
        must_be: Whether it is an error if there is none of that name.

    Raises:
        ConfigurationError: There is none, or the file cannot be read.
    """
    profiles = read_profiles()
    if name not in profiles and must_be:
        there = f"There are: {', '.join(sorted(profiles))}." if profiles else "There is none yet."
        raise ConfigurationError(
            f"There is no profile {name!r} in {config_file()}. {there} 'entra-tokens login --profile {name} ...' or "
            f"'entra-tokens config set --profile {name} scope api://APP/.default' makes it."
        )
    return profiles.get(name, {})


def read_profiles() -> dict[str, dict[str, str]]:
    """All profiles by name.

    Raises:
        ConfigurationError: The file cannot be read, or holds something else.
    """
    file = config_file()
    if file is None:
        return {}
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}.") from None
    return _checked(file, _parsed(file, text))


def _parsed(file: Path, text: str) -> dict[str, Any]:
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        found: dict[str, Any] = toml.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}.") from None
    return found


def _checked(file: Path, found: dict[str, Any]) -> dict[str, dict[str, str]]:
    from .settings import FIELDS

    profiles = found.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(each, dict) for each in profiles.values()):
        raise ConfigurationError(f"{file}: profiles stand in tables such as [profiles.work].")
    for name, settings in profiles.items():
        for key, value in settings.items():
            if key not in FIELDS or not isinstance(value, str):
                raise ConfigurationError(
                    f"{file}: {key!r} of the profile {name!r} is no setting with a text. There are: "
                    f"{', '.join(FIELDS)}. Secrets do not belong there."
                )
    return profiles
