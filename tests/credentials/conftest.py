from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from authority import stub
from entra_tokens.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def entra() -> Iterator[stub.Service]:
    with stub.running(tls=True) as service:
        service.on("/token", stub.granted())
        yield service


@pytest.fixture
def metadata() -> Iterator[stub.Service]:
    with stub.running(tls=False) as service:
        service.on("/token", stub.granted(expires_in="86400"))
        yield service


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return stub.ca_file(tmp_path)


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def e(_emulator: Emulator) -> Iterator[Emulator]:
    """An emulator that has seen no request yet; nothing of it but its clock and registrations outlives the test."""
    _emulator.clear()
    yield _emulator
    _emulator.heal()


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """Everything that any logger says at DEBUG."""
    found: list[logging.LogRecord] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    root, handler = logging.getLogger(), Collect(logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield found
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
