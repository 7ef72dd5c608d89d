"""The guards themselves: each is seen to refuse, so that a green run means something."""

from __future__ import annotations

import os
import socket

import pytest

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


# A bad test, and what the run says of it.
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
    "hang": ("import threading\ndef test_it():\n    threading.Event().wait()\n", "Timeout"),
    "network": (
        (
            "import socket, contextlib\ndef test_it():\n    with contextlib.suppress(OSError):\n"
            "        socket.create_connection(('login.example', 443))\n"
        ),
        "reached for",
    ),
    "marker": ("import pytest\n@pytest.mark.slwo\ndef test_it(): pass\n", "slwo"),
    "xpass": ("import pytest\n@pytest.mark.xfail(reason='x')\ndef test_it(): pass\n", "XPASS"),
    "nothing": ("def test_it(): pass\n", ""),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_fails_the_run(leak: str, pytester: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    """The project's own configuration and conftest, over one bad test."""
    root = pytestconfig.rootpath
    source, said = LEAKS[leak]
    pytester.makepyprojecttoml((root / "pyproject.toml").read_text().replace("timeout = 60 ", "timeout = 2 "))
    (pytester.path / "tests").mkdir()
    for name in ("conftest.py", "browser.py"):
        (pytester.path / "tests" / name).write_text((root / "tests" / name).read_text())
    (pytester.path / "tests" / "test_leak.py").write_text(source)
    plain = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:anyio")
    result = pytester.runpytest_subprocess(*plain, timeout=50)
    assert (result.ret == 0) is (said == ""), result.stdout.str()
    assert said in result.stdout.str() + result.stderr.str()
