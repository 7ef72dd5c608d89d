"""Profiles: settings under a name, in a TOML file that people may write, too."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..stores.home import home
from .files import read_file
from .settings import FIELDS
from .talk import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["config_file", "parsed", "read_profile", "read_profiles"]


def config_file() -> str | None:
    """`config.toml` in `ENTRA_TOKENS_HOME`, else in the user's configuration folder; None: there is no home."""
    found = home("config")
    return None if found is None else os.path.join(found, "config.toml")


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
        import shlex

        there = f"There are: {one_line(', '.join(sorted(profiles)))}." if profiles else "There is none yet."
        typed = shlex.quote(name) if name.isprintable() else "NAME"  # to be pasted into a shell
        raise ConfigurationError(
            f"There is no profile {name!r} in {config_file()}. {there} To make it, type 'entra-tokens login --profile "
            f"{typed} ...' or 'entra-tokens config set --profile {typed} scope api://APP/.default'."
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
        text = read_file(file)
    except FileNotFoundError:
        return {}
    return parsed(file, text)


def parsed(file: str, text: str) -> dict[str, dict[str, str]]:
    """The profiles in a file's text.

    Raises:
        ConfigurationError: It holds something else.
    """
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        found: dict[str, Any] = toml.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}.") from None
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
