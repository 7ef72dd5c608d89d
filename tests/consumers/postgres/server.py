"""A PostgreSQL of our own, whose role's password is the token."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Postgres", "missing", "postgres"]


def _programs() -> Path | None:
    """The newest PostgreSQL; Debian keeps its programs off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


def missing() -> str:
    return "" if _programs() else "no PostgreSQL here (apt-get install postgresql)"


class Postgres:
    """Listens on 127.0.0.1, where it asks for the password itself, as Azure's does for a token: it has to read it. On a
    socket in its folder it is its owner's."""

    def __init__(self, folder: Path, port: int, user: list[str]) -> None:
        self.folder, self.port, self._user = folder, port, user

    def password(self, token: str) -> None:
        """From here on the role takes this password and no other; sessions that are open stay open."""
        self._sql(f"ALTER ROLE app PASSWORD '{token}'")

    def _sql(self, text: str) -> None:
        programs = _programs()
        assert programs is not None
        where = ("-h", str(self.folder), "-p", str(self.port), "-d", "postgres", "-q")
        command = [*self._user, str(programs / "psql"), *where, "-c", text]
        subprocess.run(command, check=True, capture_output=True, timeout=30, cwd="/")


@contextmanager
def postgres(port: int) -> Iterator[Postgres]:
    programs = _programs()
    assert programs is not None, missing()
    user: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="entra-tokens-pg-"))
    if os.geteuid() == 0:  # it refuses to run as root
        names = {entry.pw_name for entry in pwd.getpwall()}
        name = "postgres" if "postgres" in names else "nobody"
        shutil.chown(folder, name)
        user = ["runuser", "-u", name, "--"]
    data = folder / "data"

    def run(*command: object) -> None:
        subprocess.run([*user, *map(str, command)], check=True, capture_output=True, timeout=60, cwd="/")

    try:
        run(programs / "initdb", "-D", data, "--auth-local=trust", "--auth-host=password", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            server = Postgres(folder, port, user)
            server._sql("CREATE ROLE app LOGIN")
            yield server
        finally:
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
