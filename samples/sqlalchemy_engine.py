"""SQLAlchemy on Azure Database for PostgreSQL with Entra: `do_connect` puts the token in at each connect.

PGHOST, PGPORT, PGUSER, PGDATABASE   PGUSER: the name of the Entra principal
PGSSLMODE                            require, or stronger: the token is the password
Needs sqlalchemy[asyncio], psycopg and asyncpg.
"""

import asyncio

from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import create_async_engine

from entra_tokens import TokenProvider

provider = TokenProvider(scope="https://ossrdbms-aad.database.windows.net/.default")
engine = create_engine("postgresql+psycopg://")
aengine = create_async_engine("postgresql+asyncpg://")


@event.listens_for(engine, "do_connect")
def give_token(dialect: object, record: object, args: object, options: dict[str, object]) -> None:
    options["password"] = provider.token()


@event.listens_for(aengine.sync_engine, "do_connect")
def give_provider(dialect: object, record: object, args: object, options: dict[str, object]) -> None:
    options["password"] = provider.as_async()  # asyncpg awaits it, so that the loop goes on


async def query_async() -> None:
    async with aengine.connect() as connection:
        print("async:", (await connection.execute(text("select 42"))).scalar())


if __name__ == "__main__":
    with engine.connect() as connection:
        print("sync: ", connection.execute(text("select 42")).scalar())
    asyncio.run(query_async())
