"""Who takes part: four providers, and the real h2oGPTe clients that sit on them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entra_tokens import AzureCli, ClientSecret, DeviceCode, ManagedIdentity, TokenProvider

from .page import approve_through_page

if TYPE_CHECKING:
    from entra_tokens import Credential
    from entra_tokens.emulator.remote import RemoteEmulator

__all__ = ["Party", "Seat", "providers"]


@dataclass
class Seat:
    """One real client: what it is called, and what became of its calls. Its worker alone writes to it."""

    client: str
    calls: int = 0
    failures: list[str] = field(default_factory=list)
    session_ids: set[str] = field(default_factory=set)

    def failed(self, error: BaseException) -> None:
        self.failures.append(f"{type(error).__name__}: {error}")


@dataclass
class Party:
    """One provider and the clients on it."""

    name: str
    provider: TokenProvider
    seats: list[Seat] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def seat(self, client: str) -> Seat:
        seat = Seat(client)
        self.seats.append(seat)
        return seat

    @property
    def failures(self) -> int:
        return sum(len(seat.failures) for seat in self.seats)


def providers(emulator: RemoteEmulator) -> list[Party]:
    """A provider for each way to come by a token; the environment says where managed identity and `az` are."""
    authority, ca_file = emulator.authority, emulator.ca_file
    credentials: dict[str, Credential] = {
        "managed identity": ManagedIdentity(),
        "client secret": ClientSecret(
            emulator.tenant_id, emulator.client_id, emulator.client_secret, authority=authority, verify=ca_file
        ),
        "Azure CLI": AzureCli(),
        "device code": DeviceCode(
            emulator.client_id,
            emulator.tenant_id,
            prompt=approve_through_page(ca_file),
            remember=False,  # this emulator is gone when the demo ends
            authority=authority,
            verify=ca_file,
        ),
    }
    return [Party(name, TokenProvider(credential, emulator.h2ogpte_scope)) for name, credential in credentials.items()]
