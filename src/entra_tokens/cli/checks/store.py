"""Where tokens and sign-ins are kept, and the key that seals them. Looks only: nothing is made."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from .. import talk
from ..exits import MISCONFIGURED
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["GROUP", "look_at_keyring", "look_at_store"]

GROUP = "Store"
_SPARE = 1 << 20  # bytes; a token with its lock takes a few thousand
_KEYRING_EXTRA = 'pip install "entra-tokens[keyring]"'


def look_at_store() -> Sequence[Finding]:
    """Whether files can be kept, and what is there."""
    from ...stores.file import FileStore

    store = FileStore()
    path = store.path
    if path is None:
        what = "this user has no home folder: nothing is kept beyond one process"
        return [Finding("folder", "warn", what, "export ENTRA_TOKENS_HOME=/a/folder/of/yours")]
    if not path.exists():
        return [_not_there(path)]
    trouble = _trouble(path)
    if trouble:
        return [trouble]
    with suppress(OSError):
        if shutil.disk_usage(path).free < _SPARE:
            return [Finding("folder", "warn", f"the disk of {path} is full: nothing new is kept", f"df -h {path}")]
    tokens, sign_ins = (sum(1 for _ in (path / part).glob("*")) for part in ("tokens", "sign-ins"))
    kept = [Finding("folder", "ok", f"{path} is writable and private; tokens stored: {tokens}")]
    if sign_ins and (accounts := store.accounts()):  # who looks into an empty one makes its key
        names = ", ".join(sorted({talk.one_line(account.username or "someone") for account in accounts}))
        kept.append(Finding("sign-ins", "ok", f"signed in: {names}"))
    return kept


def _not_there(path: Path) -> Finding:
    above = next((folder for folder in path.parents if folder.exists()), path)
    if os.access(above, os.W_OK | os.X_OK):
        return Finding("folder", "ok", f"nothing is stored yet; {path} is made when something is")
    what = f"{path} cannot be made: {above} is not writable. Nothing is kept beyond one process"
    return Finding("folder", "warn", what, "export ENTRA_TOKENS_HOME=/a/folder/of/yours")


def _trouble(path: Path) -> Finding | None:
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        what, remedy = f"{path} is not a folder that this user can write", f"ls -ld {path}"
    elif hasattr(os, "geteuid") and path.stat().st_uid != os.geteuid():
        what, remedy = (
            f"{path} belongs to another user",
            f"export ENTRA_TOKENS_HOME=/a/folder/of/yours, or chown {path}",
        )
    elif os.name == "posix" and path.stat().st_mode & 0o077:
        return Finding(
            "folder", "warn", f"{path} is open to other users; it is closed when it is next used", f"chmod 700 {path}"
        )
    else:
        return None
    return Finding("folder", "fail", f"{what}: nothing is kept beyond one process", remedy, status=MISCONFIGURED)


def look_at_keyring() -> Sequence[Finding]:
    """Where the key that seals the store is kept; the keyring may ask its user, so the caller limits the time."""
    from ...stores.keys import LEAST_PRIORITY, installed_keyring

    keyring = installed_keyring()
    beside = "the store's key is a file beside it"
    if keyring is None:
        what = f"the package keyring is not installed: {beside}, and whoever reads your files can read both"
        return [Finding("keyring", "warn", what, _KEYRING_EXTRA)]
    backend = keyring.get_keyring()
    name = f"{type(backend).__module__.removeprefix('keyring.backends.')}.{type(backend).__name__}"
    if backend.priority < LEAST_PRIORITY:
        return [Finding("keyring", "warn", f"there is no keyring here ({name}): {beside}")]
    try:
        keyring.get_password("entra-tokens", "doctor")
    except Exception as error:  # backends raise what their systems do
        what = f"the keyring ({name}) does not answer ({type(error).__name__}): {beside}"
        return [Finding("keyring", "warn", what, "unlock it, or log in at the desktop")]
    return [Finding("keyring", "ok", f"the store's key is in the keyring ({name})")]
