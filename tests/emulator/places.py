"""Running code as if it were somewhere else: an environment with that place's variables and no other's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from entra_tokens.authority.managed_identity import gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"


@contextmanager
def at(e: Emulator, place: str) -> Iterator[dict[str, str]]:
    """Be there for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name in e.environ_absent(place):
            patch.delenv(name, raising=False)
        variables = e.environ(place)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


class NoLine(gate.Gate):
    """What a machine's IMDS takes in a second is not what a test is about."""

    def __init__(self) -> None:
        super().__init__(None, "open")

    @contextmanager
    def passing(self, patience: float) -> Iterator[float]:
        yield 0.0


def limitless(e: Emulator) -> None:
    """An IMDS that throttles nobody, and no line of ours before it."""
    e.hosts.imds_limits = False
    gate._gates[e.environ("imds")["AZURE_POD_IDENTITY_AUTHORITY_HOST"]] = NoLine()
