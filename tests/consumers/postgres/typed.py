"""What users' checkers must take without a word."""

from __future__ import annotations

from typing import Any

import asyncpg
import psycopg
import psycopg_pool

from entra_tokens import TokenProvider

provider = TokenProvider(None, "https://ossrdbms-aad.database.windows.net/.default")
aprovider = provider.as_async()


async def connect() -> None:
    await asyncpg.connect(password=provider)
    await asyncpg.connect(password=aprovider)
    await asyncpg.create_pool(password=aprovider)


def options() -> dict[str, Any]:
    return {"password": provider.token()}


async def aoptions() -> dict[str, Any]:
    return {"password": await aprovider.token()}


psycopg.connect("", password=provider.token())
psycopg_pool.ConnectionPool(kwargs=options)
psycopg_pool.AsyncConnectionPool(kwargs=aoptions)
