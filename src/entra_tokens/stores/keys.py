"""The key that seals a store: in the system's keyring where there is one, else in a file beside the store."""

from __future__ import annotations

import binascii
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..engine.workers import importing
from ..errors import GUIDE, StoreError
from .absence import Absence
from .folder import NotTrusted, go_on, read_private, write_private
from .lock import holding
from .once import warn_once
from .sealed import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KEYRING_WAIT", "installed_keyring", "key_for"]

KEYRING_WAIT = 3.0  # seconds; a keyring that waits for a session that is not there waits for ever
_SERVICE, _NAME = "entra-tokens", "store key"
LEAST_PRIORITY = 1  # keyring's own mark: below are backends that refuse, forget or keep in clear text
_LOCK_WAIT = 5.0  # for whoever makes the key at this moment
_HEAD = "entra-tokens store key 1\n"


def key_for(
    store: str, keyring: Callable[[], Any], wait: float = KEYRING_WAIT, step: Callable[[str], None] = go_on
) -> bytes:
    """The key for the store in this folder, made at first use.

    Args:
        store: The store's folder.
        keyring: Returns the keyring module, or None.
        wait: Seconds that the keyring has.
        step: Called after each step of writing the file.

    Raises:
        StoreError: There is none and none can be kept anywhere.
    """
    asking = f"{store}.keyring.lock"  # another lock than the file's: a keyring that hangs would keep it
    absence = Absence(f"{store}.keyring.none")
    return _from_keyring(keyring, asking, wait, absence) or _from_file(store, step)


def installed_keyring() -> Any:
    """The keyring module if it is installed (the extra `[keyring]`)."""
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return None
    with importing(loggers=True):
        import keyring

        return keyring


def _from_keyring(module: Callable[[], Any], lock: str, wait: float, absence: Absence) -> bytes | None:
    """What the keyring says within the time; whatever goes wrong there means that it cannot be reached now."""
    found: list[bytes | None] = []
    if absence.is_known():
        return None

    def ask() -> None:
        with suppress(Exception):
            keyring = module()
            if keyring is None:
                return
            if keyring.get_keyring().priority >= LEAST_PRIORITY:
                found.append(_kept_in(keyring, lock))
            else:
                absence.note()

    thread = threading.Thread(target=ask, name="entra-tokens-keyring", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    thread.join(wait)
    return found[0] if found else None


def _kept_in(keyring: Any, lock: str) -> bytes | None:
    text = keyring.get_password(_SERVICE, _NAME)
    if text is None:
        with holding(lock, wait=_LOCK_WAIT):
            text = keyring.get_password(_SERVICE, _NAME)
            if text is None:
                keyring.set_password(_SERVICE, _NAME, _as_text(os.urandom(KEY_BYTES)))
                text = keyring.get_password(_SERVICE, _NAME)
    return _from_text(text)


def _from_file(store: str, step: Callable[[str], None]) -> bytes:
    file = f"{store}.key"
    key = _read(file)
    if key is not None:
        return key
    from glob import escape, glob

    try:
        with holding(f"{file}.lock", wait=_LOCK_WAIT, needed=True) as have:
            key = _read(file)
            if key is not None:
                return key
            if not have:
                raise StoreError(f"{file} cannot be made: another process has been at it for {_LOCK_WAIT:.0f} s.")
            with suppress(FileNotFoundError):  # one that is no good: not ours alone, or damaged
                os.replace(file, f"{file}.aside")
            for left in glob(f"{escape(file)}.{'?' * 24}"):  # by a process that was killed at this
                os.unlink(left)
            key = os.urandom(KEY_BYTES)
            write_private(file, (_HEAD + _as_text(key) + "\n").encode(), os.path.dirname(file), step)
    except OSError as error:
        raise StoreError(f"{file} cannot be made: {error.strerror or type(error).__name__}.") from None
    warn_once(
        f"The key that seals {store} is kept in the file {file}, because there is no keyring to keep it in: whoever "
        "can read your files can read both. Install entra-tokens[keyring] on a machine with a keyring. See "
        f"{GUIDE}#the-store."
    )
    return key


def _read(file: str) -> bytes | None:
    try:
        text = read_private(file).decode("ascii")
    except (OSError, NotTrusted, ValueError):
        return None
    return _from_text(text.removeprefix(_HEAD)) if text.startswith(_HEAD) else None


def _as_text(key: bytes) -> str:
    return binascii.b2a_base64(key, newline=False).decode()


def _from_text(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        key = binascii.a2b_base64(text.strip())
    except ValueError:
        return None
    # What is no base64 was passed over; nothing of the kind is in what we wrote.
    return key if len(key) == KEY_BYTES and _as_text(key) == text.strip() else None
