from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authority import stub

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
