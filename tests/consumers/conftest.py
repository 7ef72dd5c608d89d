"""Every group: an environment of its own (`run.py` makes it), the same provider, and a CA that all libraries trust."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entra_tokens import TokenProvider
from entra_tokens.emulator import Emulator
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine

from .kit import CA_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before anything is imported: aiohttp reads it then.
os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = CA_FILE  # noqa: TID251 - tests set the real one

LIFE = 3600


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """For the samples, which are programs of their own."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """The engine's: `clock.advance(LIFE)` and the token has run out. It shows a day of 2023, so that to consumers with
    copies of their own, such as azure-core's policies, a token is always due."""
    clock = ManualClock()
    with fresh_engine(clock):
        yield clock


@pytest.fixture
def credential() -> ScriptedCredential:
    """Issues token-1, token-2, …"""
    return ScriptedCredential(lifetime=LIFE, tenant_id="a-tenant")


@pytest.fixture
def provider(clock: ManualClock, credential: ScriptedCredential) -> TokenProvider:
    return TokenProvider(credential, "api://app")
