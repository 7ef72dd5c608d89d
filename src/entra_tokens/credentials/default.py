"""Default: whatever this place offers, in azure-identity's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..acquiring import current
from ..environment import read
from ..errors import AuthenticationFailed, ConfigurationError, CredentialUnavailable, EntraTokensError
from .azure_cli import AzureCli
from .azure_developer_cli import AzureDeveloperCli
from .azure_powershell import AzurePowerShell
from .chain import Chain
from .environment import Environment
from .managed_identity import ManagedIdentity
from .workload_identity import WorkloadIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..request import TokenRequest
    from ..token import Token
    from .protocol import Credential

__all__ = ["Default"]

# name: (the group that AZURE_TOKEN_CREDENTIALS knows it by, how to make it)
_MEMBERS: dict[str, tuple[str, Callable[[], Credential]]] = {
    "environment": ("prod", Environment),
    "workloadidentity": ("prod", WorkloadIdentity),
    "managedidentity": ("prod", lambda: _managed_identity(_Probed)),
    "azurecli": ("dev", AzureCli),
    "azuredevelopercli": ("dev", AzureDeveloperCli),
    "azurepowershell": ("dev", AzurePowerShell),
}
# azure-identity's names for what is in no chain of ours unless asked for.
_ELSEWHERE = {"visualstudiocode", "interactivebrowser", "devicecode"}
_REMEMBERED = 60.0  # seconds that a place without IMDS is left alone: a container's network may come up late


class Default(Chain):
    """Tries Environment, WorkloadIdentity, ManagedIdentity, AzureCli, AzureDeveloperCli, AzurePowerShell in turn.

    With `interactive`, DeviceCode comes last.
    `AZURE_TOKEN_CREDENTIALS` narrows it as in azure-identity: `prod`, `dev`, or one name such as
    `ManagedIdentityCredential`. Everything is read from the environment at construction. Away from Azure the look for
    a managed identity takes at most a second, and is remembered for a minute. `verdicts` tells what each member said.

    Args:
        interactive: Whether a person may be asked at the end; needs `AZURE_CLIENT_ID`, a public client's.
        exclude: Names to leave out, such as `"managed-identity"` or `"azure-cli"`.

    Raises:
        ConfigurationError: A name is unknown, nothing is left, or a variable holds what cannot be right.
    """

    def __init__(self, interactive: bool = False, exclude: Iterable[str] = ()) -> None:
        chosen = read("AZURE_TOKEN_CREDENTIALS").strip()
        left_out = {_known(name) for name in ([exclude] if isinstance(exclude, str) else exclude)}
        names = [name for name in _chosen(chosen) if name not in left_out]
        members = [_MEMBERS[name][1]() for name in names]
        if chosen and names == ["managedidentity"]:
            members = [_managed_identity(_Assigned)]  # asked for by name: there is nothing to find out
        if interactive and "devicecode" not in left_out:
            members.append(_device_code())
        if not members:
            raise ConfigurationError(
                "Default has no credential left to try: look at exclude= and AZURE_TOKEN_CREDENTIALS."
            )
        super().__init__(*members)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, self.members


def _rebuilt(*members: Credential) -> Default:
    default = Default.__new__(Default)
    Chain.__init__(default, *members)
    return default


def _known(name: str) -> str:
    """One spelling for `azure-cli`, `AzureCli`, `AzureCliCredential`."""
    plain = "".join(letter for letter in str(name).lower() if letter.isalnum()).removesuffix("credential")
    if plain not in _MEMBERS and plain not in _ELSEWHERE:
        raise ConfigurationError(f"{name!r} is not a credential that Default knows: {', '.join(_MEMBERS)}.")
    return plain


def _chosen(chosen: str) -> list[str]:
    if not chosen:
        return list(_MEMBERS)
    if chosen.lower() in ("dev", "prod"):
        return [name for name, (group, _) in _MEMBERS.items() if group == chosen.lower()]
    try:
        name = _known(chosen)
    except ConfigurationError:
        name = ""
    if name in _MEMBERS:
        return [name]
    raise ConfigurationError(
        f"AZURE_TOKEN_CREDENTIALS={chosen!r} cannot be used here: give dev, prod or one of {', '.join(_MEMBERS)}."
    )


def _managed_identity(kind: type[ManagedIdentity]) -> Credential:
    # Likewise with an address given for IMDS.
    made = _Assigned if read("AZURE_POD_IDENTITY_AUTHORITY_HOST") else kind
    return made(client_id=read("AZURE_CLIENT_ID") or None)


class _Assigned(ManagedIdentity):
    """In a chain AZURE_CLIENT_ID may mean somebody else: a host without that identity is passed over."""

    name = "ManagedIdentity"
    _passed_over = True

    def acquire(self, request: TokenRequest) -> Token:
        try:
            return super().acquire(request)
        except AuthenticationFailed as error:
            if error.error != "identity_not_found":
                raise
            why = error.message
        raise CredentialUnavailable(why, anchor="managed-identity")


class _Probed(_Assigned):
    """Asks for a token only where IMDS is known to be: its first answer may take longer than a chain can wait."""

    _found = False
    _absent: tuple[float, EntraTokensError] | None = None

    def acquire(self, request: TokenRequest) -> Token:
        if not self._found:
            self._look()
        return super().acquire(request)

    def _look(self) -> None:
        now, absent = current().clock.boot(), self._absent
        if absent is not None and 0 <= now - absent[0] < _REMEMBERED:
            raise absent[1].copy()
        try:
            self.probe()
            self._found = True
        except CredentialUnavailable as error:
            self._absent = now, error.copy()
            raise


def _device_code() -> Credential:
    from .device_code import DeviceCode

    client_id = read("AZURE_CLIENT_ID")
    if not client_id:
        raise ConfigurationError("interactive=True needs AZURE_CLIENT_ID: the id of an application for people.")
    return DeviceCode(client_id, read("AZURE_TENANT_ID", "organizations"))
