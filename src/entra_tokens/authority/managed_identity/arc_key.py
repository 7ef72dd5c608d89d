"""The file that Azure Arc's agent asks to be shown: read only where the agent may name it.

Whoever answers at the endpoint names a path; one that is not checked would have any file sent to him.

https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

import os
import re
import stat

from ... import environment
from ...errors import AuthenticationFailed, ConfigurationError

__all__ = ["arc_folder", "read_key"]

_LARGEST = 4096  # bytes
_CHALLENGE = r"(?i)Basic\s+realm\s*=\s*(\"?)([^\"]+)\1\s*"


def arc_folder(platform: str) -> str | None:
    """The one folder that key files are in; None: Arc's agent does not exist for this system (macOS).

    Args:
        platform: As `sys.platform` says it.
    """
    if platform.startswith("linux"):
        return "/var/opt/azcmagent/tokens"
    if platform == "win32":
        return environment.read("PROGRAMDATA", r"C:\ProgramData") + r"\AzureConnectedMachineAgent\Tokens"
    return None


def read_key(challenge: str, folder: str, *, who: str) -> str:
    """The key for a `WWW-Authenticate: Basic realm=<file>`.

    Raises:
        AuthenticationFailed: It names no file that the agent would name; nothing was opened.
        ConfigurationError: This user may not read it.
    """
    match = re.fullmatch(_CHALLENGE, challenge)
    path = match[2].strip() if match else ""
    if os.path.dirname(path) != folder or not os.path.basename(path).endswith(".key"):
        raise _refused(who, f"names no '.key' file directly in {folder}")
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise _refused(who, "names something that is no plain file")
        if found.st_size > _LARGEST:
            raise _refused(who, f"names a file of more than {_LARGEST} bytes")
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            opened = os.fstat(file)
            if (opened.st_dev, opened.st_ino) != (found.st_dev, found.st_ino):
                raise _refused(who, "names a file that was exchanged under it")
            content = os.read(file, _LARGEST + 1)
        finally:
            os.close(file)
    except PermissionError:
        pass
    except OSError as error:
        raise _refused(who, f"names a file that cannot be read ({error.strerror or type(error).__name__})") from None
    else:
        return _checked(content, who)
    raise ConfigurationError(
        f"{who}: this user may not read the agent's key files in {folder}. Add it to the group 'himds' (on Windows: "
        "'Hybrid agent extension applications'), and sign in anew."
    )


def _checked(content: bytes, who: str) -> str:
    try:
        key = content.decode("ascii").strip()
    except ValueError:
        key = ""
    if not key or not key.isprintable() or len(content) > _LARGEST:
        raise _refused(who, "names a file whose text is no key")
    return key


def _refused(who: str, why: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"{who}: the agent's challenge {why}. It was not followed. Check who listens at the agent's address.",
        error="arc_challenge",
        anchor="managed-identity",
    )
