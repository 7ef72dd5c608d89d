"""Which identity of a host is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Selector"]


class Selector(Record):
    """Which identity of the host is meant: at most one of the three; none: the system-assigned one.

    Args:
        client_id: Its client id.
        object_id: Its principal's object id.
        resource_id: Its ARM resource id.
    """

    client_id: str | None
    object_id: str | None
    resource_id: str | None

    def __init__(
        self, client_id: str | None = None, object_id: str | None = None, resource_id: str | None = None
    ) -> None:
        self._set(client_id=client_id, object_id=object_id, resource_id=resource_id)
        given = [name for name, value in vars(self).items() if value is not None]
        if len(given) > 1:
            raise ConfigurationError(f"Give one of client_id, object_id and resource_id, not {' and '.join(given)}.")
        for name in given:
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                raise ConfigurationError(f"{name} must be a non-empty line of printable characters.")

    def named(self, host: str, names: Mapping[str, str]) -> dict[str, str]:
        """The parameter for the identity, under the name that a host gives it; none for the system-assigned one.

        Args:
            host: Its usual name.
            names: What it can select by, and what it calls that.

        Raises:
            ConfigurationError: The host cannot select by it: asked anyhow, it would give another identity's token.
        """
        for name, value in vars(self).items():
            if value is not None:
                if name in names:
                    return {names[name]: value}
                instead = (
                    f"Give {' or '.join(names)}." if names else "Leave it out: there is one identity, and no choice."
                )
                raise ConfigurationError(f"{host} cannot select a managed identity by {name}. {instead}")
        return {}

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if value is not None)
