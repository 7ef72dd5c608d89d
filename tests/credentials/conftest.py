from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "authority"))
import stub  # the scriptable service that both test folders share

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLES = (
    "AZURE_AUTHORITY_HOST AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_FEDERATED_TOKEN_FILE "
    "AZURE_POD_IDENTITY_AUTHORITY_HOST IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT IMDS_ENDPOINT "
    "MSI_ENDPOINT MSI_SECRET HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY https_proxy http_proxy all_proxy no_proxy"
).split()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


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
