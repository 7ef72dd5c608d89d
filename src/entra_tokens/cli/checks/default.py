"""What `default` comes to: the first of its members that is available, for better or worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ..credential import credential_of
from ..exits import MISCONFIGURED, NO_CREDENTIAL
from ..settings import Setting, Settings
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["look_at_default"]

_NAMES = {
    "Environment": "environment",
    "WorkloadIdentity": "workload-identity",
    "ManagedIdentity": "managed-identity",
    "AzureCli": "azure-cli",
    "AzureDeveloperCli": "azd",
    "AzurePowerShell": "azure-powershell",
}


def look_at_default(settings: Settings, found: Mapping[str, Finding]) -> Finding:
    """Tell it from what its members have said: asking them all again would take as long again.

    Args:
        settings: Of this run.
        found: What each credential by itself came to.
    """
    fields = {**settings.fields, "credential": Setting("default", "--credential")}
    try:
        chain = credential_of(Settings(settings.profile, fields))
    except ConfigurationError as error:
        return Finding("default", "fail", error.message, status=MISCONFIGURED)
    members = [_NAMES.get(name, name) for name in map(_name, getattr(chain, "members", ()))]
    for name in members:
        of_it = found.get(name)
        if of_it is None or of_it.status == NO_CREDENTIAL:
            continue
        if of_it.state == "ok":
            return Finding("default", "ok", f"takes {name}")
        working = [each for each in found.values() if each.state == "ok"]
        other = f"--credential {working[0].name}, or put {name} right" if working else f"put {name} right, see there"
        what = f"stops at {name}, which is there and does not work"
        return Finding("default", "fail", what, other, status=of_it.status)
    return Finding("default", "absent", f"none of {', '.join(members)} is available", status=NO_CREDENTIAL)


def _name(member: object) -> str:
    name = getattr(member, "name", None)
    return name if isinstance(name, str) else type(member).__name__
