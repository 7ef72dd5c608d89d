"""Running code as if it were somewhere else: an environment with that place's variables and no other's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

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
