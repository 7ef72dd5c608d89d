"""What the tests of stores have in common: a flight that is none, and a process that makes many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entra_tokens import Token
from entra_tokens.engine.clock import Signal

if TYPE_CHECKING:
    from entra_tokens import FileStore
    from entra_tokens.stores.protocol import Stored

__all__ = ["NOW", "SRC", "Want", "aside", "put", "run", "text", "the_file", "tree"]

SRC = Path(__file__).parents[2] / "src"
NOW = 1_700_000_000.0


class Want:
    """What a flight wants: takes what is stored, or "acquires" a token with the text that it is given."""

    def __init__(self, name: str = "ada", fresh: str = "fresh", *, takes: bool = True, wait: float = 5.0) -> None:
        self.name = name
        self.fresh = fresh
        self.takes = takes
        self.wait = wait
        self.acquired = 0
        self.abandoned = Signal()

    def now(self) -> float:
        return NOW

    def key_under(self, secret: bytes) -> tuple[object, ...] | None:
        return (("kind", self.name), ("api://app/.default",), None, False)

    def will_do(self, stored: Stored) -> bool:
        return self.takes

    def acquire(self) -> Token:
        self.acquired += 1
        return Token(self.fresh, expires_on=NOW + 3600, scopes=("api://app/.default",))


def text(store: FileStore, name: str = "ada", fresh: str = "fresh", **options: Any) -> str:
    """The token that a flight gets."""
    found = store.through(Want(name, fresh, **options))
    return str(getattr(found, "token", found))


def put(store: FileStore, name: str, value: str) -> None:
    """Store a token, whatever there was."""
    store.through(Want(name, value, takes=False))


def the_file(folder: Path) -> Path:
    """The one entry's file."""
    (file,) = (folder / "tokens").iterdir()
    return file


def aside(folder: Path) -> list[Path]:
    return sorted((folder / "aside").iterdir())


def tree(folder: Path) -> dict[str, int]:
    """Every path below, with its mode."""
    return {str(path.relative_to(folder)): path.lstat().st_mode & 0o777 for path in folder.rglob("*")}


# A process of one thread that forks as many as are wanted: each gets a number, and what it returns is collected.
_MOTHER = """
import json, os, signal, sys, traceback
signal.alarm(50)
from pathlib import Path
from entra_tokens import DeviceCode, ClientSecret, FileStore, Token, TokenProvider
from entra_tokens.stores.lock import FileLock, holding
from stores.kit import NOW, Want, put, text
given = json.loads(sys.argv[1])

def child(work, *arguments):
    '''Fork; the process id, and where its answer will come from.'''
    answer, say = os.pipe()
    pid = os.fork()
    if pid:
        os.close(say)
        return pid, answer
    signal.alarm(45)
    try:
        os.write(say, json.dumps(work(*arguments)).encode())
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    os._exit(1)

def answer_of(one):
    pid, answer = one
    with open(answer) as file:
        said = file.read()
    status = os.waitpid(pid, 0)[1]
    return json.loads(said) if said else None, status

def together(count, work):
    '''What so many processes return that begin at the same moment.'''
    wait, begin = os.pipe()
    def begun(number):
        os.close(begin)
        os.read(wait, 1)  # until everybody is there, and the mother closes her end
        return work(number)
    children = [child(begun, number) for number in range(count)]
    os.close(begin)
    found = [answer_of(one) for one in children]
    assert not any(status for _, status in found), found
    return [said for said, _ in found]
"""


def run(*scripts: str, limit: float = 55.0, environ: dict[str, str] | None = None, **given: Any) -> Any:
    """Run scripts in one mother process, with what is given; what is printed last, as JSON."""
    program = _MOTHER + "".join(map(textwrap.dedent, scripts))
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{SRC.parent / 'tests'}", **(environ or {})},  # noqa: TID251
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
