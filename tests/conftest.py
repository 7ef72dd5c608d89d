"""What holds for every test: no network but loopback, and an environment that says nothing about Azure."""

from __future__ import annotations

import atexit
import gc
import ipaddress
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

import browser
import nodejs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What needs a browser or node is left out where there is none, and the summary says so.
collect_ignore_glob = ["*/test_pages_browser*.py"] * bool(browser.missing())
collect_ignore_glob += ["*/test_node_*.py"] * bool(nodejs.missing())

collect_ignore = ["consumers"]  # each group of them has an environment of its own: make test-consumers

# What would make a test depend on whose machine it runs on. The CA's variables (SSL_CERT_FILE, ...) stay: the tests
# pass with and without them.
_ABOUT_US = re.compile(
    r"(AZURE|IDENTITY|MSI|IMDS|ENTRA_TOKENS|ENTRA|H2OGPTE|ACTIONS_ID_TOKEN|SYSTEM_OIDC)_|(https?|all|no|ftp|wss?)_proxy$",
    re.IGNORECASE,
)


def _forget_the_machine() -> list[str]:
    return [name for name in os.environ if _ABOUT_US.match(name)]  # noqa: TID251 - tests see the real one


for _name in _forget_the_machine():
    del os.environ[_name]  # noqa: TID251 - before any fixture of a wider scope looks


# Of this process: what an emulator keeps is made once. Tests of what is kept have homes of their own.
_HOME = tempfile.mkdtemp(prefix="entra-tokens-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["ENTRA_TOKENS_HOME"] = _HOME  # noqa: TID251
# Nor a real keyring: this one forgets, and is not taken for one.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # noqa: TID251
# Many tests start programs; each would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # noqa: TID251


def _let_programs_hear_signals() -> None:
    """What this process was started to ignore (a background job SIGINT, one under `nohup` SIGHUP), every program that a
    test starts would ignore too. A handler is not inherited."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT", "SIGTERM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


_let_programs_hear_signals()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if what := browser.missing():
        terminalreporter.write_line(f"LEFT OUT: the tests of the pages in a browser, which need {what}", yellow=True)
    if what := nodejs.missing():
        terminalreporter.write_line(f"LEFT OUT: the tests with node's Azure library, which need {what}", yellow=True)


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential, managed-identity host, setting of ours or proxy in the environment, and never a real home."""
    for name in _forget_the_machine():
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENTRA_TOKENS_HOME", _HOME)


class NetworkRefused(OSError):
    """A test reached for something that is not this machine."""


def _refuse(host: object, reached: list[str]) -> None:
    """Raise unless the host is this machine. Link-local is what a probe for a managed identity finds closed elsewhere
    too; anything else also fails the test, however well the code under test takes the error."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    else:
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback or address.is_unspecified:
            return
        if address.is_link_local:
            raise NetworkRefused(101, f"tests reach nothing but loopback, not {name}")
    reached.append(name)
    raise NetworkRefused(101, f"tests reach nothing but loopback, not {name}")


def _guarded(original: Callable[..., Any], reached: list[str]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse(address[0], reached)
        return original(self, address)

    return connect


@pytest.fixture(scope="session", autouse=True)
def _reached() -> Iterator[list[str]]:
    reached: list[str] = []
    getaddrinfo = socket.getaddrinfo

    def guarded_getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host is not None:
            _refuse(host, reached)
        return getaddrinfo(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded(socket.socket.connect, reached))
        patch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex, reached))
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield reached


@pytest.fixture(autouse=True)
def loopback_only(_reached: list[str]) -> Iterator[list[str]]:
    """Fails a test that reached for another machine; a test about such an attempt clears the list."""
    _reached.clear()
    yield _reached
    assert not _reached, f"reached for {_reached}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    # A million objects of packages and of collected tests live to the end: every collection would look at each.
    gc.disable()
    try:
        result = yield
    finally:
        gc.enable()
    if "hypothesis" in sys.modules:
        _meet_hypothesis()
    gc.collect()
    gc.freeze()
    return result


def _meet_hypothesis() -> None:
    """Let it register its randomness: it warns where it finds no reference to that, as among what is frozen."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    settings(max_examples=1, database=None)(given(st.none())(lambda _: None))()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # pytest collects once more when all is over


@pytest.fixture(scope="module", autouse=True)
def _leaks_show_where_they_are_made() -> Iterator[None]:
    # An unclosed socket warns when it is collected: collect while its module is still at work.
    yield
    gc.collect()
    gc.freeze()  # what is left is not the next module's
