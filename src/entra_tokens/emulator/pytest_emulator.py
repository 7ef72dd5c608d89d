"""The emulator that the fixture hands to a test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from entra_tokens import environment
from entra_tokens.testing import fresh_engine

from . import Emulator  # not from its module: this one says which extra is missing
from .environ import PLACE_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

__all__ = ["PytestEmulator", "running"]

_LOCAL = "localhost,127.0.0.1"


class PytestEmulator(Emulator):
    """An `Emulator` that sets the test's environment, too. To begin with code finds a client secret in it, and IMDS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        super().__init__(**options)
        self._monkeypatch = monkeypatch

    def place(self, name: str) -> dict[str, str]:
        """Let the code under test believe that it runs there and nowhere else, until the end of the test.

        Args:
            name: As for `environ`: `imds`, `app_service`, `workload_identity`, `azure_cli`, `client_secret`, …

        Returns:
            The variables of the place.

        Raises:
            ValueError: An unknown place.
            PermissionError: `arc`, and the folder that its clients take key files from cannot be written to.
        """
        variables = self.environ(name)
        self._set(variables, self.environ_absent(name))
        return variables

    def stand_in(self, home: Path) -> None:
        """Set what every test begins with.

        Args:
            home: The folder for what entra_tokens itself would keep.
        """
        variables = {**self.environ("imds"), **self.environ("client_secret")}
        self._set(variables, [name for name in PLACE_VARIABLES if name not in variables])
        self._monkeypatch.setenv("ENTRA_TOKENS_HOME", str(home))
        for name in ("NO_PROXY", "no_proxy"):  # whatever proxy this machine has, the emulator is not behind it
            others = environment.read(name)
            self._monkeypatch.setenv(name, f"{others},{_LOCAL}" if others else _LOCAL)

    def _set(self, variables: dict[str, str], absent: Any) -> None:
        trust = {"SSL_CERT_FILE": self.ca_file, "REQUESTS_CA_BUNDLE": self.ca_file}
        for name in absent:
            self._monkeypatch.delenv(name, raising=False)
        for name, value in {**trust, **variables}.items():
            self._monkeypatch.setenv(name, value)


@contextmanager
def running(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, home: Callable[[], Path]
) -> Iterator[PytestEmulator]:
    """Start one, with an engine of its own behind the providers of this test."""
    # It starts before ENTRA_TOKENS_HOME is set, because its keys are kept where they always are: making one takes long.
    with fresh_engine(), PytestEmulator(monkeypatch, **options) as emulator:
        emulator.stand_in(home())
        yield emulator
