"""One emulator for each module, on real sockets; an engine and a clock for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.places import limitless
from engine.faces import FACES, Face
from entra_tokens.emulator import Emulator
from entra_tokens.testing import fresh_engine
from faults.kit import ImpatientClock, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.engine.engine import Engine


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def e(_emulator: Emulator) -> Iterator[Emulator]:
    """The module's emulator, without faults and with nothing recorded."""
    _emulator.clear()
    limitless(_emulator)  # tests that follow one another this fast would wait in line
    yield _emulator
    _emulator.heal()
    _emulator.lifetime, _emulator.refresh_in = 3600, None


@pytest.fixture
def clock(e: Emulator) -> ImpatientClock:
    """Starts with the emulator's; `e.advance()` moves both."""
    return ImpatientClock(e.now())


@pytest.fixture(autouse=True)
def engine(clock: ImpatientClock) -> Iterator[Engine]:
    """An engine of the test's own; every flight has landed when the test is over."""
    with fresh_engine(clock) as made:
        yield made
        settle()


@pytest.fixture(params=FACES, ids=lambda face: face.name)
def face(request: pytest.FixtureRequest) -> Face:
    """Synchronous, asyncio and trio, one after the other."""
    chosen: Face = request.param
    return chosen
