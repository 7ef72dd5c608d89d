"""An engine, a clock and a credential for every test here, and the three ways to call a provider."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from engine.faces import FACES, Face, until
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.engine.engine import Engine


@pytest.fixture(params=FACES, ids=lambda face: face.name)
def face(request: pytest.FixtureRequest) -> Face:
    """Synchronous, asyncio and trio, one after the other."""
    chosen: Face = request.param
    return chosen


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(autouse=True)
def engine(clock: ManualClock) -> Iterator[Engine]:
    """An engine of the test's own on the manual clock; every flight has landed when the test is over."""
    others = set(flying())  # what a test of another module left, which failed perhaps, is not ours
    with fresh_engine(clock) as made:
        yield made
    until(lambda: set(flying()) <= others, "the end of our threads")


def flying() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("entra-tokens")]


@pytest.fixture
def credential() -> Iterator[ScriptedCredential]:
    """Tokens of an hour, stale after 39 minutes (the middle of the policy's range); released when the test is over."""
    made = ScriptedCredential()
    yield made
    made.release()
