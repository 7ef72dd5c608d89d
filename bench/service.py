"""The local token service that everybody is measured against: the emulator, in a process of its own."""

from __future__ import annotations

import json
import os
import ssl
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from entra_tokens.emulator import RemoteEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Facts", "TokenService", "clean_environment", "token_service"]

# requests lets these win over what a client was told to trust; a proxy has no part in a loopback measurement.
_IN_THE_WAY = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
# An installed package has its bytecode; a working copy gets it in the first, uncounted round, unless this is set.
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def clean_environment() -> None:
    """Take out of this process's environment, and its children's, what would disturb a peer."""
    for name in (*_IN_THE_WAY, _NO_BYTECODE):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "ENTRA_TOKENS_", "H2O_CLOUD_")):
            del os.environ[name]


@dataclass(frozen=True)
class Facts:
    """What a client must know; plain enough to hand to another process."""

    authority: str
    ca_file: str
    tenant_id: str
    client_id: str
    client_secret: str
    scope: str
    refresh_token: str
    managed_identity: dict[str, str] = field(default_factory=dict)

    @property
    def token_endpoint(self) -> str:
        return f"{self.authority}/{self.tenant_id}/oauth2/v2.0/token"

    @property
    def resource(self) -> str:
        return self.scope.removesuffix("/.default")

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Facts:
        return cls(**json.loads(text))


class TokenService:
    """A running emulator, its facts, and a count of the token requests that arrived since `mark()`."""

    def __init__(self, emulator: RemoteEmulator) -> None:
        self._emulator = emulator
        self.fail = emulator.fail
        self.heal = emulator.heal
        self.facts = Facts(
            authority=emulator.authority,
            ca_file=emulator.ca_file,
            tenant_id=emulator.tenant_id,
            client_id=emulator.client_id,
            client_secret=emulator.client_secret,
            scope=emulator.h2ogpte_scope,
            refresh_token=_refresh_token(emulator),
            managed_identity=emulator.environ("imds"),
        )
        self._mark = 0
        self.mark()

    def environ(self, place: str) -> dict[str, str] | None:
        """The variables of a place; None: it cannot be played on this machine."""
        try:
            return self._emulator.environ(place)
        except ValueError:
            return None

    def mark(self) -> None:
        """Count from here."""
        self._mark = len(self._token_requests())

    def arrived(self) -> list[dict[str, Any]]:
        """The token requests since the mark."""
        return self._token_requests()[self._mark :]

    def count(self) -> int:
        return len(self.arrived())

    def lives(self, seconds: int, refresh_in: int | None = None) -> None:
        """From here on tokens live this long by the reply, and want to be renewed then."""
        self.heal("token")
        self.fail("token", reply={"expires_in": seconds, "refresh_in": refresh_in})

    def _token_requests(self) -> list[dict[str, Any]]:
        return [request for request in self._emulator.requests if request["grant"] is not None]


@contextmanager
def token_service(latency: float = 0.0) -> Iterator[TokenService]:
    """A service of one's own, so that no row meets another's faults, counts or tokens.

    Args:
        latency: Seconds that each answer is held back.
    """
    with RemoteEmulator(latency=latency) as emulator:
        yield TokenService(emulator)


def _refresh_token(emulator: RemoteEmulator) -> str:
    """What h2o-authn lives on, got with a device code that is approved at once."""
    context = ssl.create_default_context(cafile=emulator.ca_file)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def post(path: str, **form: str) -> dict[str, Any]:
        address = f"{emulator.authority}/{emulator.tenant_id}/oauth2/v2.0/{path}"
        with opener.open(address, urllib.parse.urlencode(form).encode()) as answer:
            content: dict[str, Any] = json.load(answer)
        return content

    code = post("devicecode", client_id=emulator.client_id, scope=f"{emulator.h2ogpte_scope} offline_access")
    emulator.approve(code["user_code"])
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    answer = post("token", client_id=emulator.client_id, grant_type=grant, device_code=code["device_code"])
    return str(answer["refresh_token"])
