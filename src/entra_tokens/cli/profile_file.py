"""Writing profiles: line by line, so that what a person wrote, comments too, stays as it is."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..stores.folder import write_private
from ..stores.lock import holding
from .files import read_file
from .profiles import config_file, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["change_profile"]

_LOCK_WAIT = 5.0  # seconds
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def change_profile(name: str, changes: Mapping[str, str | None]) -> Path:
    """Change settings of a profile, and make it if need be.

    Args:
        name: The profile.
        changes: Values by the names of `settings.FIELDS`; None takes one out.

    Returns:
        The file.

    Raises:
        ConfigurationError: The file holds something else, or cannot be written.
    """
    given = config_file()
    if given is None:
        raise ConfigurationError("This user has no home folder; set ENTRA_TOKENS_HOME to a folder for entra-tokens.")
    if changes.get("ca"):  # the next command may run elsewhere
        changes = {**changes, "ca": os.path.abspath(os.path.expanduser(changes["ca"] or ""))}
    file = Path(os.path.realpath(given))  # of a link to a file that is kept elsewhere, that file
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with holding(file.with_name(f"{file.name}.lock"), wait=_LOCK_WAIT):
            text = ""
            with suppress(FileNotFoundError):
                text = read_file(str(file))
            before = parsed(given, text)
            kept = {key: value for key, value in before.get(name, {}).items() if key not in changes}
            wanted = {**before, name: {**kept, **{key: value for key, value in changes.items() if value is not None}}}
            changed = _changed(text, name, changes)
            if not _is(given, changed, wanted):
                raise ConfigurationError(f"{file} is written in a way that can only be edited by hand.")
            if changed != text:
                write_private(str(file), changed.encode(), str(file.parent))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be changed: {error.strerror or type(error).__name__}.") from None
    return file


def _is(file: str, text: str, wanted: Mapping[str, Mapping[str, str]]) -> bool:
    try:
        return parsed(file, text) == wanted
    except ConfigurationError:
        return False


def _changed(text: str, name: str, changes: Mapping[str, str | None]) -> str:
    lines = text.splitlines()
    key = name if _BARE.fullmatch(name) else json.dumps(name)
    headers = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    begin = next((number for number in headers if _is_header(lines[number], key)), None)
    if begin is None:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += [*([""] if lines else []), f"[profiles.{key}]"]
        begin, end = len(lines) - 1, len(lines)
    else:
        end = next((number for number in headers if number > begin), len(lines))
    while end > begin + 1 and not lines[end - 1].strip():  # blank lines belong to what follows
        end -= 1
    body = lines[begin + 1 : end]
    for field, value in changes.items():
        at = next((number for number, line in enumerate(body) if line.partition("=")[0].strip() == field), None)
        line = None if value is None else f"{field} = {json.dumps(value, ensure_ascii=False)}"
        if at is not None:
            body[at : at + 1] = [] if line is None else [line]
        elif line is not None:
            body.append(line)
    lines[begin + 1 : end] = body
    return "\n".join(lines) + "\n"


def _is_header(line: str, key: str) -> bool:
    return re.match(rf"\s*\[\s*profiles\s*\.\s*{re.escape(key)}\s*\]\s*(#|$)", line) is not None
