"""The password of a PostgreSQL role is the token: asked for at every connect, and verified by a real server."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import psycopg_pool
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from entra_tokens.testing import ScriptedCredential

from ..conftest import LIFE
from ..kit import mypy
from .server import Postgres, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens import Token, TokenProvider, TokenRequest
    from entra_tokens.testing import ManualClock


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with postgres(port) as server:
        yield server


@pytest.fixture
def where(server: Postgres) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "user": "app"}


class Rotating(ScriptedCredential):
    """Changes the role's password to each token that it hands out; the one before is then refused."""

    def __init__(self, server: Postgres) -> None:
        super().__init__(self._next)
        self._server = server

    def _next(self, request: TokenRequest) -> Token:
        token = self.issue(f"token-{len(self.requests)}-" + "x" * 1500, request)  # as long as real ones
        self._server.password(token)
        return token


@pytest.fixture
def credential(server: Postgres) -> Rotating:
    return Rotating(server)


def test_an_old_token_is_refused(
    provider: TokenProvider, where: dict[str, Any], clock: ManualClock, credential: Rotating
) -> None:
    old = provider.token()
    clock.advance(LIFE)
    provider.token()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dbname="postgres", password=old, **where)


@pytest.mark.parametrize("face", ["sync", "async"])
def test_asyncpg(
    face: str, provider: TokenProvider, where: dict[str, Any], clock: ManualClock, credential: Rotating
) -> None:
    password = provider if face == "sync" else provider.as_async()

    async def run() -> None:
        options: dict[str, Any] = {**where, "database": "postgres", "password": password}
        async with asyncpg.create_pool(min_size=1, max_size=2, **options) as pool, pool.acquire() as first:
            assert await first.fetchval("select 1") == 1
            clock.advance(LIFE)
            async with pool.acquire() as second:
                assert await second.fetchval("select 2") == 2
            assert await first.fetchval("select 3") == 3

    asyncio.run(run())
    assert credential.calls == 2


def test_psycopg_pool(provider: TokenProvider, where: dict[str, Any], clock: ManualClock, credential: Rotating) -> None:
    def options() -> dict[str, Any]:
        return {**where, "dbname": "postgres", "password": provider.token()}

    with psycopg_pool.ConnectionPool(kwargs=options, min_size=0, max_size=1, timeout=10) as pool:
        for _ in range(2):
            with pool.connection() as connection:
                connection.execute("select 1")
                connection.close()  # the pool makes another
            clock.advance(LIFE)
    assert credential.calls == 2


def test_psycopg_pool_asynchronously(
    provider: TokenProvider, where: dict[str, Any], clock: ManualClock, credential: Rotating
) -> None:
    async def options() -> dict[str, Any]:
        return {**where, "dbname": "postgres", "password": await provider.as_async().token()}

    async def run() -> None:
        async with psycopg_pool.AsyncConnectionPool(kwargs=options, min_size=0, max_size=1, timeout=10) as pool:
            for _ in range(2):
                async with pool.connection() as connection:
                    await connection.execute("select 1")
                    await connection.close()
                clock.advance(LIFE)

    asyncio.run(run())
    assert credential.calls == 2


def test_sqlalchemy(provider: TokenProvider, where: dict[str, Any], clock: ManualClock, credential: Rotating) -> None:
    address = "{user}@{host}:{port}/postgres".format(**where)
    engine = create_engine(f"postgresql+psycopg://{address}", poolclass=NullPool)
    aengine = create_async_engine(f"postgresql+asyncpg://{address}", poolclass=NullPool)

    @event.listens_for(engine, "do_connect")
    def give_token(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        options["password"] = provider.token()

    @event.listens_for(aengine.sync_engine, "do_connect")
    def give_token_async(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        options["password"] = provider.as_async()  # asyncpg calls and awaits it, so that the loop is not blocked

    async def run() -> None:
        async with aengine.connect() as connection:
            assert (await connection.execute(text("select 1"))).scalar() == 1
        await aengine.dispose()

    for _ in range(2):
        with engine.connect() as connection:
            assert connection.execute(text("select 1")).scalar() == 1
        asyncio.run(run())
        clock.advance(LIFE)
    engine.dispose()
    assert credential.calls == 2


def test_types_are_accepted() -> None:
    assert mypy(Path(__file__).with_name("typed.py")) == ""
