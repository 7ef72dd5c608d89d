"""An emulator for each test, its keys kept where they are always kept, and a client that trusts it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from entra_tokens.emulator import Emulator
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator


class Caller:
    """Plain HTTP to an emulator, as a script would."""

    def __init__(self, emulator: Emulator) -> None:
        self.e = emulator
        self.http = httpx.Client(
            verify=ssl.create_default_context(cafile=emulator.ca_file), trust_env=False, timeout=10
        )

    def token(self, tenant: str | None = None, **form: str | None) -> httpx.Response:
        """A client-credentials request with these fields changed; None leaves one out."""
        fields: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "client_id": self.e.client_id,
            "client_secret": self.e.client_secret,
            "scope": self.e.h2ogpte_scope,
            **form,
        }
        path = f"/{tenant or self.e.tenant_id}/oauth2/v2.0/token"
        return self.http.post(self.e.authority + path, data={k: v for k, v in fields.items() if v is not None})

    def access_token(self) -> str:
        token: str = self.token().json()["access_token"]
        return token

    def device_code(self, scope: str | None = None) -> dict[str, Any]:
        path = f"/{self.e.tenant_id}/oauth2/v2.0/devicecode"
        scope = scope or f"{self.e.h2ogpte_scope} openid offline_access"
        answer: dict[str, Any] = self.http.post(
            self.e.authority + path, data={"client_id": self.e.client_id, "scope": scope}
        ).json()
        return answer

    def poll(self, device_code: str) -> httpx.Response:
        return self.token(
            grant_type="urn:ietf:params:oauth:grant-type:device_code",
            device_code=device_code,
            client_secret=None,
            scope=None,
            client_info="1",
        )


@pytest.fixture(autouse=True)
def engine() -> Iterator[None]:
    """`advance()` moves the engine of the process too: one that nobody else uses."""
    with fresh_engine():
        yield


@pytest.fixture
def e() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def caller(e: Emulator) -> Iterator[Caller]:
    made = Caller(e)
    with made.http:
        yield made


@pytest.fixture
def trusting(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """For clients on `requests`, where this variable wins over the session's own `verify`."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", e.ca_file)
    monkeypatch.setenv("SSL_CERT_FILE", e.ca_file)
