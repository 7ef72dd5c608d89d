"""A local Entra token service, managed-identity hosts and h2oGPTe front, for tests and demos.

    with Emulator() as e:
        provider = TokenProvider(ClientSecret(e.tenant_id, e.client_id, e.client_secret,
                                              authority=e.authority, verify=e.ca_file), e.h2ogpte_scope)

Unmodified azure-identity, msal, h2o-authn and h2ogpte work against it. It needs the extra `[emulator]`;
`RemoteEmulator`, which only talks to one in another process, needs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .emulator import Emulator
    from .faults import Fault
    from .records import Record
    from .remote import RemoteEmulator

__all__ = ["Emulator", "Fault", "Record", "RemoteEmulator"]

_HOMES = {"Emulator": "emulator", "Fault": "faults", "Record": "records", "RemoteEmulator": "remote"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("entra_tokens"):
            raise
        raise ModuleNotFoundError(
            f"The emulator needs {error.name}: pip install 'entra-tokens[emulator]'", name=error.name
        ) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
