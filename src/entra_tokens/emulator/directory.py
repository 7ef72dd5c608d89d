"""Who and what is registered in the emulated tenant."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field

__all__ = ["Directory", "Identity", "User"]


def _guid() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Identity:
    """A managed identity, under the three names that the hosts know it by."""

    client_id: str = field(default_factory=_guid)
    object_id: str = field(default_factory=_guid)
    resource_id: str = ""

    @classmethod
    def assigned(cls) -> Identity:
        """A user-assigned one, a resource of its own."""
        name = f"assigned-{_guid()[:8]}"
        group = f"/subscriptions/{_guid()}/resourceGroups/emulator"
        return cls(resource_id=f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")


def _system_assigned() -> Identity:
    """One that belongs to a machine, and whose tokens name the machine's resource."""
    group = f"/subscriptions/{_guid()}/resourceGroups/emulator"
    return Identity(resource_id=f"{group}/providers/Microsoft.Compute/virtualMachines/emulator")


@dataclass(frozen=True)
class User:
    """The person who signs in on the device page."""

    object_id: str = field(default_factory=_guid)
    username: str = "ada@emulator.example"
    name: str = "Ada Emulator"


@dataclass(frozen=True)
class Directory:
    """One tenant: one application that is allowed every flow, one user, two managed identities, one API.

    All ids are drawn anew for each emulator, so that nothing that a process remembers of an earlier one fits.
    """

    tenant_id: str = field(default_factory=_guid)
    subscription_id: str = field(default_factory=_guid)
    client_id: str = field(default_factory=_guid)
    client_secret: str = field(default_factory=lambda: "emu8Q~" + secrets.token_urlsafe(26), repr=False)
    application: str = "Emulated application"
    application_object_id: str = field(default_factory=_guid)
    h2ogpte_id: str = field(default_factory=_guid)
    user: User = field(default_factory=User)
    system_identity: Identity = field(default_factory=_system_assigned)
    assigned_identity: Identity = field(default_factory=Identity.assigned)

    @property
    def h2ogpte_scope(self) -> str:
        return f"api://{self.h2ogpte_id}/.default"

    def knows_tenant(self, tenant: str) -> bool:
        return tenant.lower() == self.tenant_id
