"""The guards themselves: each is seen to refuse, so that a green run means something."""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1"])
def test_link_local_is_refused_quietly(host: str, loopback_only: list[str]) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        with pytest.raises(OSError, match="nothing but loopback"):
            s.connect((host, 80))
        with pytest.raises(OSError, match="nothing but loopback"):
            s.connect_ex((host, 80))
    assert not loopback_only


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_another_machine_is_refused_and_remembered(host: str, loopback_only: list[str]) -> None:
    with (
        socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s,
        pytest.raises(OSError, match="nothing but loopback"),
    ):
        s.connect((host, 80))
    assert loopback_only == [host]
    loopback_only.clear()


def test_a_name_is_not_looked_up(loopback_only: list[str]) -> None:
    with pytest.raises(OSError, match="nothing but loopback"):
        socket.create_connection(("login.example", 443), timeout=1)
    assert loopback_only == ["login.example"]
    loopback_only.clear()


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


@pytest.mark.parametrize("name", ["AZURE_CLIENT_SECRET", "IDENTITY_ENDPOINT", "ENTRA_TOKENS_SCOPE", "https_proxy"])
def test_the_environment_is_silent(name: str) -> None:
    assert name not in os.environ  # noqa: TID251 - the environment is what is tested


# Bad tests, and what the run says of each.
LEAKS = {
    "socket": ("import socket\ndef test_it():\n    socket.socket()\n", "ResourceWarning"),
    "thread": (
        "import threading as t\ndef test_it():\n    a = t.Thread(target=lambda: 1 / 0)\n    a.start()\n    a.join()\n",
        "PytestUnhandledThreadExceptionWarning",
    ),
    "coroutine": ("async def f(): pass\ndef test_it():\n    f()\n", "never awaited"),
    "finalizer": (
        "class A:\n    def __del__(self): 1 / 0\ndef test_it():\n    A()\n",
        "PytestUnraisableExceptionWarning",
    ),
    "cycle": (
        "import socket\nclass A: pass\ndef test_it():\n    a = A()\n    a.a = a\n    a.s = socket.socket()\n",
        "ResourceWarning",
    ),
    "network": (
        (
            "import socket, contextlib\ndef test_it():\n    with contextlib.suppress(OSError):\n"
            "        socket.create_connection(('login.example', 443))\n"
        ),
        "reached for",
    ),
    "xpass": ("import pytest\n@pytest.mark.xfail(reason='x')\ndef test_it(): pass\n", "XPASS"),
}


@pytest.fixture
def said(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> Callable[..., str]:
    """What a run says that has the project's own configuration and conftest, over tests that are given."""

    def run(sources: dict[str, str], *options: str, ends: int = 1) -> str:
        root = pytestconfig.rootpath
        (pytester.path / "pyproject.toml").write_text((root / "pyproject.toml").read_text())
        (pytester.path / "tests" / "node").mkdir(parents=True)
        for name in ("conftest.py", "browser.py", "nodejs.py", "node/package-lock.json"):
            (pytester.path / "tests" / name).write_text((root / "tests" / name).read_text())
        for name, source in sources.items():
            (pytester.path / "tests" / f"test_{name}.py").write_text(source)
        plain = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:anyio")
        result = pytester.runpytest_subprocess(*plain, *options, timeout=50)
        assert result.ret == ends, result.stdout.str()
        return result.stdout.str() + result.stderr.str()

    return run


def test_a_leak_fails_the_run(said: Callable[..., str]) -> None:
    """Each where it was made; the good tests beside them are not blamed."""
    bad = {name: source.replace("test_it", f"test_{name}") for name, (source, _) in LEAKS.items()}
    good = {f"{name}_{which}": "def test_it(): pass\n" for name in LEAKS for which in ("a", "z")}
    text = said(bad | good)
    blamed = re.findall(r"^(?:FAILED|ERROR) tests/test_\w+\.py::test_(\w+)", text, re.MULTILINE)
    assert sorted(blamed) == sorted(LEAKS)
    _, *parts = re.split(
        r"^_+ (?:ERROR at teardown of )?test_(\w+) _+$", text.partition("short test summary")[0], flags=re.MULTILINE
    )
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    assert [name for name, (_, what) in LEAKS.items() if what not in found[name]] == []


def test_a_test_that_hangs_ends(said: Callable[..., str]) -> None:
    source = "import threading\ndef test_it():\n    threading.Event().wait()\n"
    assert "Timeout" in said({"hang": source}, "--timeout=0.5")


def test_a_misspelt_marker_is_an_error(said: Callable[..., str]) -> None:
    assert "slwo" in said({"marker": "import pytest\n@pytest.mark.slwo\ndef test_it(): pass\n"}, ends=2)
