"""Azure Database for PostgreSQL with Entra: psycopg_pool, and asyncpg for the asynchronous half.

PGHOST, PGPORT, PGUSER, PGDATABASE   PGUSER: the name of the Entra principal; both drivers read them
PGSSLMODE                            require, or stronger: the token is the password
Needs psycopg[pool] and asyncpg.
"""

import asyncio

import asyncpg
from psycopg_pool import ConnectionPool

from entra_tokens import TokenProvider

provider = TokenProvider(scope="https://ossrdbms-aad.database.windows.net/.default")


def options() -> dict[str, str]:
    return {"password": provider.token()}  # asked at each connect


def query() -> None:
    with ConnectionPool(kwargs=options) as pool, pool.connection() as connection:
        print("sync: ", connection.execute("select 42").fetchone()[0])


async def query_async() -> None:
    # asyncpg calls what it is given as password at each connect, and awaits the answer.
    async with asyncpg.create_pool(password=provider.as_async(), min_size=1) as pool:
        print("async:", await pool.fetchval("select 42"))


if __name__ == "__main__":
    query()
    asyncio.run(query_async())
