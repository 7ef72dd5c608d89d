"""The managed identities that the emulated resource has."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .directory import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .directory import Directory

__all__ = ["Identities"]


class Identities:
    """One system-assigned identity, which can be switched off, and any number of user-assigned ones.

    Any thread may call anything. At first the system-assigned identity is on, and one is user-assigned.
    """

    def __init__(self, directory: Directory) -> None:
        self._lock = threading.Lock()
        self._system = directory.system_identity
        self._assigned = [directory.assigned_identity]
        self.system_assigned = True
        """Whether the resource has its system-assigned identity; can be set."""

    def __iter__(self) -> Iterator[Identity]:
        """Those that the resource has at present, the system-assigned one first."""
        return iter(([self._system] if self.system_assigned else []) + list(self.user_assigned))

    @property
    def system(self) -> Identity:
        """The system-assigned identity, on or off."""
        return self._system

    @property
    def user_assigned(self) -> tuple[Identity, ...]:
        with self._lock:
            return tuple(self._assigned)

    def assign(self, identity: Identity | None = None) -> Identity:
        """Assign one more; None: one with ids of its own, its `resource_id` included."""
        identity = identity or Identity.assigned()
        with self._lock:
            self._assigned.append(identity)
        return identity

    def unassign(self, identity: Identity | None = None) -> None:
        """Take one away; None: all that are user-assigned.

        Raises:
            LookupError: It is not assigned.
        """
        with self._lock:
            if identity is None:
                self._assigned.clear()
            elif identity in self._assigned:
                self._assigned.remove(identity)
            else:
                raise LookupError(f"{identity} is not assigned")

    def find(self, named: dict[str, str], *, only_one_will_do: bool = False) -> Identity | None:
        """Whom a request means.

        Args:
            named: `client_id`, `object_id`, `resource_id` as the request gave them. None of them: the system-assigned
                identity.
            only_one_will_do: Where no name is given and the system-assigned identity is off: whether the only
                user-assigned one is meant, as IMDS has it
                (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq).
        """
        present = list(self)
        if named:
            # A system-assigned identity's resource is the machine, by which nobody selects it.
            for identity in self.user_assigned if "resource_id" in named else present:
                if all(value and getattr(identity, name).lower() == value.lower() for name, value in named.items()):
                    return identity
            return None
        if self.system_assigned:
            return self._system
        return present[0] if only_one_will_do and len(present) == 1 else None
