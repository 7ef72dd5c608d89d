"""The pytest plugin: fixture `entra_emulator`, an emulator for one test and the environment that leads to it.

pytest loads this file at every start, also for those who never ask for the fixture: nothing is imported until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .pytest_emulator import PytestEmulator

__all__ = ["entra_emulator", "pytest_addoption", "pytest_configure"]

_LIFETIME = "entra_emulator_lifetime"
_MARKER = "entra_emulator(**options): options of the fixture entra_emulator for this test, as of Emulator(...)"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "seconds that an access token of the fixture entra_emulator lives (default: 3600)"
    parser.getgroup("entra_tokens").addoption("--entra-emulator-lifetime", type=float, metavar="S", help=text)
    parser.addini(_LIFETIME, text, default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def entra_emulator(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PytestEmulator]:
    """An emulator of Microsoft Entra ID for this test alone, with the environment set so that code talks to it.

    Its state, its ids and the engine behind our providers are the test's own: no token of an earlier one is met.
    """
    from .pytest_emulator import running

    def home() -> Path:
        return tmp_path_factory.mktemp("entra-tokens-home")

    with running(_options(request), monkeypatch, home) as emulator:
        yield emulator


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The marker's (the nearest wins), then the command line's, then the ini file's."""
    options: dict[str, Any] = {}
    lifetime = request.config.getoption(_LIFETIME)
    if lifetime is None and (written := request.config.getini(_LIFETIME)):
        try:
            lifetime = float(written)
        except ValueError:
            raise pytest.UsageError(f"{_LIFETIME} is a number of seconds, not {written!r}") from None
    if lifetime is not None:
        options["lifetime"] = lifetime
    for marker in reversed(list(request.node.iter_markers("entra_emulator"))):
        options.update(marker.kwargs)
    return options
