"""The rules of the house that no linter knows: who may import whom, who reads the world, how long a file is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "entra_tokens"

# Who may import whom at run time, at the top of the file or in a function. A name stands for the module or package and
# all below it; the longest name that fits a module decides. Imports for type checkers only are free.
_GROUND = {"errors", "token", "record", "request", "environment", "engine.clock", "os_lock"}
_FETCHING = _GROUND | {"acquiring", "engine.workers"}  # workers: a fork waits for an import in progress
_CREDENTIAL = _FETCHING | {"authority", "credentials"}
_ENGINE = _GROUND | {"acquiring", "engine", "stores"}
_PROVIDER = _CREDENTIAL | _ENGINE | {"azure_core", "handle", "lifetime", "origin", "provider", "tenants", "warn"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "token": {"errors"},
    "record": set(),
    "request": {"errors", "record"},
    "environment": set(),
    "os_lock": set(),
    "engine.clock": set(),
    "engine.policy": {"errors", "record"},
    "challenge": set(),
    "origin": {"errors"},
    "acquiring": _GROUND,
    "engine": _ENGINE,
    "stores": _GROUND | {"engine.workers", "stores", "warn"},  # workers: a fork waits for an import in progress
    "authority": _FETCHING | {"authority"},
    "credentials": _CREDENTIAL,
    "credentials.remembered": _CREDENTIAL | {"stores.records"},  # what it hands to the store that it is given
    "azure_core": _GROUND | {"engine"},
    "tenants": _GROUND,
    "warn": set(),
    "lifetime": _GROUND | {"warn"},
    "handle": _PROVIDER - {"provider", "lifetime"},
    "provider": _PROVIDER,
    "testing": _PROVIDER,
    "h2ogpte": _PROVIDER | {"h2ogpte"},
    "integrations": _PROVIDER | {"challenge", "integrations"},
    "emulator": _PROVIDER | {"h2ogpte", "emulator"},
    "emulator.pytest_emulator": _PROVIDER | {"emulator", "testing"},  # a test's own engine
    "emulator.demo": _PROVIDER | {"", "h2ogpte", "emulator"},  # a user's program: it uses the public names
    "serving": _PROVIDER | {"serving"},
    "cli": _PROVIDER | {"", "challenge", "h2ogpte", "integrations", "emulator", "serving", "cli"},  # a user's program
    "__main__": {"cli"},
    "": _PROVIDER,  # the public names
}
# Against the direction, and therefore inside a function only: (who, whom) and why.
LAZILY = {
    (
        "credentials.person",
        "provider",
    ): "login() signs in through the engine, so that its token is shared",
}

# Who reads the world. Everyone else is given a clock, a number, a mapping.
READERS = {
    "time": {"engine.clock"},
    "random": set[str](),  # the clock's `uniform` draws from the system
    "os.environ": {"environment"},
    "os.getenv": {"environment"},
    "datetime.now": {"emulator.certificates"},  # certificates are valid in the machine's time, however far a test's is
    "datetime.utcnow": set[str](),
    "date.today": set[str](),
}
# Not on every system that Python 3.10 runs on: not imported unguarded.
_SOME_SYSTEMS_ONLY = {"fcntl", "grp", "msvcrt", "pwd", "resource", "termios", "tty", "winreg"}
# What `import entra_tokens` must not load (each costs 5 to 100 ms).
_HEAVY = {"asyncio", "azure", "cachetools", "cryptography", "h2ogpte", "httpx", "msal", "requests", "trio"}
_LONGEST = 300  # lines


class Import(NamedTuple):
    """One runtime import of a module of ours or of another package."""

    target: str
    ours: bool
    lazy: bool
    line: int


def module_name(path: Path) -> str:
    """`engine.clock` for engine/clock.py, `engine` for engine/__init__.py, "" for the package itself."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SRC.rglob("*.py"))}


def imports(name: str, source: str, is_package: bool, known: set[str]) -> list[Import]:
    found: list[Import] = []
    package = name.split(".") if name else []
    if not is_package:
        package = package[:-1]

    def add(module: str, names: list[str], ours: bool, lazy: bool, line: int) -> None:
        for each in names:
            inner = f"{module}.{each}".strip(".")
            found.append(Import(inner if not ours or inner in known else module, ours, lazy, line))

    def visit(node: ast.AST, lazy: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child, lazy)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                ours = alias.name.split(".")[0] == "entra_tokens"
                target = alias.name.partition(".")[2] if ours else alias.name
                found.append(Import(target, ours, lazy, node.lineno))
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if node.level:
                base = package[: len(package) - node.level + 1]
                add(".".join([*base, *filter(None, [node.module])]), names, True, lazy, node.lineno)
            elif (node.module or "").split(".")[0] == "entra_tokens":
                add((node.module or "").partition(".")[2], names, True, lazy, node.lineno)
            else:
                add(node.module or "", names, False, lazy, node.lineno)
        inside = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(source), False)
    return found


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def against_the_direction(name: str, source: str, *, is_package: bool = False, known: set[str]) -> list[str]:
    rules = [rule for rule in MAY_IMPORT if within(name, rule)] or ([""] if not name else [])
    if not rules:
        return [f"{name or 'entra_tokens'} has no place in MAY_IMPORT yet: give it one"]
    allowed = MAY_IMPORT[max(rules, key=len)]
    wrong = []
    for each in imports(name, source, is_package, known):
        if not each.ours or any(within(each.target, prefix) for prefix in allowed):
            continue
        if each.lazy and any(within(name, who) and within(each.target, whom) for who, whom in LAZILY):
            continue
        how = "lazily " if each.lazy else ""
        wrong.append(f"{name} line {each.line}: must not {how}import {each.target or 'entra_tokens'}")
    return wrong


def readings(name: str, source: str) -> list[str]:
    """Where the module reads time, randomness or the environment without being the one that may."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        seen: list[str] = []
        if isinstance(node, ast.Import):
            seen = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            seen = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
            seen = [f"{ast.unparse(node.value).rpartition('.')[2]}.{node.attr}"]
        wrong += [
            f"{name} line {getattr(node, 'lineno', 0)}: reads {what}"
            for what in seen
            if what in READERS and not any(within(name, reader) for reader in READERS[what])
        ]
    return wrong


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way(name: str) -> None:
    source = MODULES[name].read_text()
    wrong = against_the_direction(name, source, is_package=MODULES[name].stem == "__init__", known=set(MODULES))
    assert wrong == []


@pytest.mark.parametrize("name", MODULES)
def test_the_world_is_read_in_one_place(name: str) -> None:
    wrong = readings(name, MODULES[name].read_text())
    assert wrong == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_short(name: str) -> None:
    lines = len(MODULES[name].read_text().splitlines())
    assert lines <= _LONGEST, f"{name} has {lines} lines: it does more than one job"


@pytest.mark.parametrize("name", MODULES)
def test_what_some_systems_lack_is_imported_guarded(name: str) -> None:
    top = [node for node in ast.parse(MODULES[name].read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in top if isinstance(node, ast.ImportFrom) and node.module}
    assert not modules & _SOME_SYSTEMS_ONLY


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys; before = set(sys.modules); import entra_tokens; "
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "entra_tokens" in loaded
    assert not loaded & _HEAVY


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda p: p.name)
def test_no_test_is_left_out(path: Path) -> None:
    """`skipif` names a platform, or a folder that only root may write (Azure Arc's key files: its libraries read no
    other); skip, xfail and importorskip hide a defect or a missing dependency."""
    hidden = {"pytest.mark.skip", "pytest.skip", "pytest.mark.xfail", "pytest.xfail", "pytest.importorskip"}
    tree = ast.parse(path.read_text())
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & hidden
    assert used == set()


BROKEN = [
    ("token", "from .provider import TokenProvider", "import provider"),
    ("token", "def f():\n    from .engine.cell import Cell", "lazily import engine.cell"),
    ("engine.policy", "from .clock import SYSTEM_CLOCK", "import engine.clock"),
    ("engine.cell", "from .. import credentials", "import credentials"),
    ("engine.cell", "from entra_tokens.provider import TokenProvider", "import provider"),
    ("engine.cell", "import entra_tokens.cli", "import cli"),
    ("credentials.chain", "from ..engine.flight import Flight", "import engine.flight"),
    ("credentials.device_code", "from ..provider import TokenProvider", "import provider"),
    ("credentials.chain", "def f():\n    from ..provider import TokenProvider", "lazily import provider"),
    ("authority.msal", "from ..credentials.protocol import Credential", "import credentials.protocol"),
    ("provider", "if True:\n    from .emulator import Emulator", "import emulator"),
    ("provider", "if TYPE_CHECKING:\n    pass\nelse:\n    from .cli import app", "import cli"),
    ("helpers", "", "no place"),
]


@pytest.mark.parametrize(("name", "source", "said"), BROKEN)
def test_a_wrong_import_is_seen(name: str, source: str, said: str) -> None:
    known = {*MODULES, "credentials", "credentials.protocol", "provider", "emulator", "cli", "engine.flight"}
    wrong = against_the_direction(name, source, known=known)
    assert len(wrong) == 1
    assert said in wrong[0]


RIGHT = [
    ("credentials.person", "def login():\n    from ..provider import TokenProvider"),
    ("credentials.chain", "from ..engine.clock import Clock"),
    ("engine.cell", "if TYPE_CHECKING:\n    from ..credentials.protocol import Credential"),
    ("provider", "import json\nfrom .engine.cell import Cell\nfrom .token import Token"),
]


@pytest.mark.parametrize(("name", "source"), RIGHT)
def test_a_right_import_passes(name: str, source: str) -> None:
    assert not against_the_direction(name, source, known={*MODULES, "provider"})


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "def f():\n    import random",
        "import os\nos.environ['A']",
        "from os import environ",
        "import os\nos.getenv('A')",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now()",
    ],
)
def test_a_reading_is_seen(source: str) -> None:
    assert readings("credentials.chain", source)
    assert not readings("credentials.chain", "import os, datetime\nos.getpid()\ndatetime.timedelta(1)")
