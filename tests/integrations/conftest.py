from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entra_tokens import TokenProvider
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """The engine's; every token lives an hour of it."""
    clock = ManualClock()
    with fresh_engine(clock):
        yield clock


@pytest.fixture
def credential() -> ScriptedCredential:
    """Issues token-1, token-2, …"""
    return ScriptedCredential()


@pytest.fixture
def provider(clock: ManualClock, credential: ScriptedCredential) -> TokenProvider:
    return TokenProvider(credential, "api://app")
