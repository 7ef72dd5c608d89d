"""What connect() uses of the client and is not published, read in the source of the version that is installed.

`make test-matrix` runs this on every supported version: a new one that sends a request from another place, or opens its
sockets in another way, fails here before it does at a user's.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from h2ogpte.session import Session
from h2ogpte.session_async import SessionAsync

import h2ogpte
from entra_tokens import ConfigurationError
from entra_tokens.h2ogpte.private_names import check
from entra_tokens.h2ogpte.rpc import ONE_REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = {"requests", "_requests", "httpx", "aiohttp", "urllib3"}
PACKAGE = Path(h2ogpte.__file__).parent


def senders() -> Iterator[tuple[str, str, str]]:
    """Every function of the clients that calls an HTTP library: library, module, function."""
    for path in sorted(PACKAGE.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    value = node.func.value
                    if isinstance(value, ast.Name) and value.id in LIBRARIES:
                        yield value.id.strip("_"), path.name, function.name


def test_requests_are_sent_only_where_the_rule_applies() -> None:
    bootstrap = {"_try_cookie_session_bootstrap", "_try_cookie_session_bootstrap_async"}  # without a token
    found = {(library, function) for library, _, function in senders() if function not in bootstrap}
    assert {function for library, function in found if library == "requests"} <= {*ONE_REQUEST, "_put"}
    # The asynchronous client has one httpx.AsyncClient for everything, which has an httpx.Auth of ours.
    assert {function for library, function in found if library == "httpx"} == {"__init__"}
    assert {library for library, _ in found} == {"requests", "httpx"}


def test_sockets_are_opened_as_ours_are() -> None:
    sync, asynchronous = inspect.getsource(Session), inspect.getsource(SessionAsync)
    for source in (sync, asynchronous):
        assert "ws?currentSessionID={" in source
        assert "&source=py" in source
        assert "max_size=5 * 1024 * 1024" in source
    assert "from websockets.sync.client import" in inspect.getsource(inspect.getmodule(Session))  # type: ignore[arg-type]
    assert "from websockets.legacy.client import" in inspect.getsource(inspect.getmodule(SessionAsync))  # type: ignore[arg-type]
    for name in ("_client", "_chat_session_id", "_open_timeout", "_close_timeout"):
        assert f"self.{name} = " in sync
        assert f"self.{name} = " in asynchronous
    assert "self._connection = ws_connect(" in sync
    assert "self._websocket = await ws_old_connect(" in asynchronous


def test_one_that_is_missing_is_an_error_that_says_what_to_do() -> None:
    check(h2ogpte.H2OGPTE, "_get")
    with pytest.raises(
        ConfigurationError, match=r'has no H2OGPTE\._got, .* 1\.6\.58 to 1\.7\.5: pip install "h2ogpte=='
    ):
        check(h2ogpte.H2OGPTE, "_get", "_got")
