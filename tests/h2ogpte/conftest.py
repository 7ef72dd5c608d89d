"""An emulator and an engine for each test, and the real clients made and cleared away.

How the real clients come to trust the emulator: `verify=e.ca_file`. They hand it to every request and socket of
theirs, and requests prefers it to REQUESTS_CA_BUNDLE (which wins only over a session's `verify`). The shared client
verifies nothing.
"""

from __future__ import annotations

import asyncio
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens import ClientSecret, TokenProvider
from entra_tokens.emulator import Emulator
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.engine.engine import Engine


@pytest.fixture
def e() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def engine() -> Iterator[Engine]:
    with fresh_engine() as made:
        yield made


@pytest.fixture
def credential(e: Emulator) -> ClientSecret:
    return ClientSecret(e.tenant_id, e.client_id, e.client_secret, authority=e.authority, verify=e.ca_file)


@pytest.fixture
def provider(e: Emulator, credential: ClientSecret) -> TokenProvider:
    return TokenProvider(credential, e.h2ogpte_scope)


@pytest.fixture
def shared_client(e: Emulator) -> Iterator[Callable[..., Any]]:
    """Makes `SharedH2OGPTEClient`s and closes them: their threads would keep the interpreter alive."""
    import warnings

    with warnings.catch_warnings():  # importing it silences every warning of the process
        from h2ogpte.shared_client import SharedH2OGPTEClient, cleanup_shared_websocket

    if tuple(map(int, re.findall(r"\d+", metadata.version("h2ogpte"))[:3])) < (1, 7, 3):
        e.front.sockets_need_session_id = False  # this client has none to send
    yield lambda **options: SharedH2OGPTEClient(e.h2ogpte_url, **options)
    cleanup_shared_websocket()


@pytest.fixture
def closing() -> Callable[[Any], Any]:
    """`async with closing(client)`: closes an H2OGPTEAsync's connections, which its own `close()` does not."""

    class Closing:
        def __init__(self, client: Any) -> None:
            self.client = client

        async def __aenter__(self) -> Any:
            return self.client

        async def __aexit__(self, *_: object) -> None:
            await self.client._client.aclose()
            # aiohttp lets TLS say goodbye after its session is closed; a loop that ends before that leaks a socket.
            transports = getattr(asyncio.get_running_loop(), "_transports", {})
            for _ in range(400):
                if not transports:
                    break
                await asyncio.sleep(0.005)

    return Closing


@pytest.fixture
def without_h2ogpte(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Puts something else in the package's place; None: nothing, as if it were not installed."""
    return lambda module: monkeypatch.setitem(sys.modules, "h2ogpte", module)
