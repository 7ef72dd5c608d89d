"""How the managed-identity hosts differ from one installation to the next: by switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .expiry_forms import FORMS

if TYPE_CHECKING:
    from .expiry_forms import ExpiryForm

__all__ = ["HostSwitches"]


@dataclass
class HostSwitches:
    """Set any of them at any time, from any thread; the next request meets it.

    Args:
        imds_limits: Whether IMDS answers 429 to more than 5 requests at once or 20 a second, as the real one does.
        app_service_2017_expires_on: The form of `expires_on` there: `windows` and `linux` are dates.
        service_fabric_expires_on: Documented as a number, seen as a string.
        azure_ml_expires_on: Seen as a number, a string and a date.
        arc_user_assigned: Whether the agent knows user-assigned identities and names in its reply the one it took; an
            older one (False) gives the system-assigned identity's token, whoever was asked for.
        cloud_shell_audiences: The only resources that Cloud Shell gives tokens for; None: any.
    """

    imds_limits: bool = True
    app_service_2017_expires_on: ExpiryForm = "linux"
    service_fabric_expires_on: ExpiryForm = "number"
    azure_ml_expires_on: ExpiryForm = "string"
    arc_user_assigned: bool = True
    cloud_shell_audiences: frozenset[str] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dataclass_fields__:
            raise AttributeError(f"{name!r} is no switch of the hosts: {list(self.__dataclass_fields__)}")
        if name.endswith("_expires_on") and value not in FORMS:
            raise ValueError(f"{value!r} is no form of expires_on: {list(FORMS)}")
        super().__setattr__(name, value)
