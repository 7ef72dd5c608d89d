"""One emulator for all tests of the command that change nothing in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.command import environ_of
from entra_tokens.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(interval=0.1) as running:
        yield running


@pytest.fixture
def here(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """The environment of the command where there is a managed identity (the emulator's App Service)."""
    return environ_of(tmp_path, {**emulator.environ("app_service"), "ENTRA_TOKENS_CREDENTIAL": "managed-identity"})
