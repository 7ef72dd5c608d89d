"""The key files with which Azure Arc finds out that a caller may read what only its group may."""

from __future__ import annotations

import contextlib
import secrets
import sys
import threading
import uuid
from pathlib import Path

from entra_tokens import environment

__all__ = ["ArcKeys", "arc_folder"]

_KEPT = 16  # challenges that nobody has answered yet


def arc_folder() -> Path:
    """The one folder that azure-identity and msal accept a key file in."""
    if sys.platform == "win32":
        return Path(environment.read("PROGRAMDATA", r"C:\ProgramData")) / "AzureConnectedMachineAgent" / "Tokens"
    return Path("/var/opt/azcmagent/tokens")


class ArcKeys:
    """Writes a key file for each challenge, and takes it away once it has been used. Any thread may call anything.

    Args:
        folder: Where; another than `arc_folder()` suits only clients that look there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder: Path = folder or arc_folder()
        self._lock = threading.Lock()
        self._keys: dict[str, Path] = {}
        self._made: list[Path] = []

    def prepare(self) -> None:
        """Make sure that key files can be written.

        Raises:
            PermissionError: They cannot.
        """
        try:
            self._make_folder()
            probe = self.folder / f"{uuid.uuid4()}.key"
            probe.touch(mode=0o600)
            probe.unlink()
        except OSError as error:
            raise PermissionError(
                f"Azure Arc needs a folder that this process cannot write to: {self.folder} ({error.strerror}). "
                "azure-identity and msal take key files from there and from nowhere else. Make it as root: "
                f'mkdir -p {self.folder} && chown "$USER" {self.folder}'
            ) from None

    def challenge(self) -> Path:
        """A new key file, which answers one request."""
        path = self.folder / f"{uuid.uuid4()}.key"
        key = secrets.token_hex(32)
        with self._lock:
            self._make_folder()
            path.touch(mode=0o600)
            path.write_text(key, encoding="ascii")
            self._keys[key] = path
            while len(self._keys) > _KEPT:
                self._drop(next(iter(self._keys)))
        return path

    def accepts(self, key: str) -> bool:
        """Whether this is the text of one of the files, which is used up by that."""
        with self._lock:
            known = next((each for each in self._keys if secrets.compare_digest(each.encode(), key.encode())), None)
            if known is not None:
                self._drop(known)
            return known is not None

    def close(self) -> None:
        """Take away every file, and the folders that were made for them."""
        with self._lock:
            for key in list(self._keys):
                self._drop(key)
            for folder in self._made:
                with contextlib.suppress(OSError):  # another emulator's files are in it
                    folder.rmdir()
            self._made.clear()

    def _drop(self, key: str) -> None:
        self._keys.pop(key).unlink(missing_ok=True)

    def _make_folder(self) -> None:
        missing = [each for each in (self.folder, *self.folder.parents) if not each.exists()]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._made += missing
