"""The fake commands `az`, `azd` and `pwsh`: where they are, who is signed in, and which versions they are."""

from __future__ import annotations

import secrets
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TOOL_HEADER", "TOOL_PATHS", "Tools", "at_least"]

TOOL_PATHS = {"/_tool/az": "az", "/_tool/azd": "azd", "/_tool/pwsh": "pwsh"}
TOOL_HEADER = "x-emulator-tool"

# Runs without site-packages and without our package: a start costs what Python itself costs. What to print and how to
# end, the emulator says.
_SCRIPT = """\
import http.client, json, sys
from urllib.parse import urlencode

tool = {tool!r}
body = urlencode({{"arguments": json.dumps(sys.argv[1:])}})
headers = {{{header!r}: {secret!r}, "Content-Type": "application/x-www-form-urlencoded"}}
connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout=300)
try:
    connection.request("POST", "/_tool/" + tool, body, headers)
    answer = json.loads(connection.getresponse().read())
except (OSError, ValueError, http.client.HTTPException) as error:
    sys.exit("ERROR: " + str(error))
finally:
    connection.close()
sys.stderr.write(answer["stderr"])
sys.stdout.write(answer["stdout"])
sys.exit(answer["code"])
"""


class Tools:
    """Can be set at any time, from any thread; the next call of a command meets it.

    `az_version`: since 2.54.0 `az` prints `expires_on` beside the local time. `azd_version`: `--claims` is known since
    1.18.1, and errors have changed their form at 1.23.7 and 1.24.0. `az_accounts_version` is that of PowerShell's
    module; None: it is not installed. `azd_offset`: print `expiresOn` with an offset (`+09:00`) instead of `Z`.
    `scripts_blocked`: PowerShell's execution policy lets no script run.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._port = url.rpartition(":")[2]
        self._lock = threading.Lock()
        self._signed_out: frozenset[str] = frozenset()
        self.secret: str = secrets.token_urlsafe(24)
        self.az_version = "2.76.0"
        self.azd_version = "1.24.0"
        self.az_accounts_version: str | None = "5.2.0"
        self.azd_offset = False
        self.scripts_blocked = False

    def folder(self, tool: str) -> Path:
        """The folder with this one command in it, for the PATH; written at the first look."""
        folder = self._folder / self._known(tool)
        with self._lock:
            if not folder.exists():
                folder.mkdir(mode=0o700)
                self._write(folder, tool)
        return folder

    def is_signed_in(self, tool: str) -> bool:
        return tool not in self._signed_out

    def sign_out(self, tool: str) -> None:
        with self._lock:
            self._signed_out |= {self._known(tool)}

    def sign_in(self, tool: str) -> None:
        with self._lock:
            self._signed_out -= {self._known(tool)}

    @staticmethod
    def _known(tool: str) -> str:
        if tool not in TOOL_PATHS.values():
            raise ValueError(f"{tool!r} is no command that the emulator has: {list(TOOL_PATHS.values())}")
        return tool

    def _write(self, folder: Path, tool: str) -> None:
        script = folder / f"{tool}.py"
        text = _SCRIPT.format(tool=tool, header=TOOL_HEADER, secret=self.secret, port=self._port)
        script.touch(mode=0o600)
        script.write_text(text, encoding="utf-8")
        if sys.platform == "win32":
            (folder / f"{tool}.cmd").write_text(f'@"{sys.executable}" -S -E "{script}" %*\r\n', encoding="utf-8")
            return
        shell = folder / tool
        shell.write_text(f"#!/bin/sh\nexec '{sys.executable}' -S -E '{script}' \"$@\"\n", encoding="utf-8")
        shell.chmod(0o700)


def at_least(version: str, least: str) -> bool:
    """Whether a version is this one or a later one."""
    numbers = [tuple(int(part) for part in each.split(".")) for each in (version, least)]
    return numbers[0] >= numbers[1]
