from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agreeing import agreeing

from ..kit import run_sample, sample_environ
from .test_postgres import server  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .server import Postgres


@pytest.mark.parametrize("name", ["asyncpg_and_psycopg", "sqlalchemy_engine"])
def test_a_sample_runs(name: str, emulator: Emulator, server: Postgres) -> None:  # noqa: F811 - the fixture
    with agreeing(emulator.environ("app_service"), server.password) as app_service:
        environ = {**sample_environ(emulator, "app_service"), **app_service}
        environ |= {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "app", "PGDATABASE": "postgres"}
        assert run_sample(name, environ) == "sync:  42\nasync: 42\n"
