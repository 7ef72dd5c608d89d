"""The settings of one run: a flag, else a variable, else the profile, else a default; each with where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import environment
from ..errors import ConfigurationError
from ..record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CREDENTIALS", "DEFAULT_PROFILE", "FIELDS", "Setting", "Settings", "flag_of", "resolve"]

CREDENTIALS = (
    "default",
    "managed-identity",
    "workload-identity",
    "client-secret",
    "client-certificate",
    "device-code",
    "browser",
    "azure-cli",
    "azd",
    "azure-powershell",
    "environment",
)

# What a profile may hold: the variables over it (the first that is set), and what holds without either. The CA's are
# under it: they are the machine's, and a profile is about one token service.
FIELDS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "credential": (("ENTRA_TOKENS_CREDENTIAL",), "default"),
    "scope": (("ENTRA_TOKENS_SCOPE",), None),
    "tenant": (("AZURE_TENANT_ID",), None),
    "client_id": (("AZURE_CLIENT_ID",), None),
    "authority": (("AZURE_AUTHORITY_HOST",), "https://login.microsoftonline.com"),
    "ca": (("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), None),
    "address": (("H2OGPTE_ADDRESS",), None),
}
DEFAULT_PROFILE = "default"
_UNDER_PROFILE = ("ca",)


class Setting(Record):
    """A value, and where it came from.

    Args:
        value: None: it is not set anywhere.
        source: `--scope`, a variable's name, `profile work`, `default`, or "" where nothing is set.
    """

    value: str | None
    source: str

    def __init__(self, value: str | None, source: str) -> None:
        self._set(value=value, source=source)

    def as_dict(self) -> dict[str, str | None]:
        return {"value": self.value, "source": self.source}

    @property
    def is_given(self) -> bool:
        """Whether a flag or the profile says it, not the environment."""
        return self.is_kept or self.source.startswith("--")

    @property
    def is_kept(self) -> bool:
        """Whether the profile says it."""
        return self.source.startswith("profile ")


class Settings(Record):
    """What a command works with.

    Args:
        profile: The profile's name.
        fields: Each of `FIELDS`.
        as_json: Whether `--json` was given.
    """

    profile: Setting
    fields: Mapping[str, Setting]
    as_json: bool

    def __init__(self, profile: Setting, fields: Mapping[str, Setting], as_json: bool = False) -> None:
        self._set(profile=profile, fields=fields, as_json=as_json)

    @property
    def credential(self) -> str:
        """The credential's name, one of `CREDENTIALS`."""
        return self.fields["credential"].value or "default"

    @property
    def scope(self) -> str | None:
        """The scope; several are separated by spaces."""
        return self.fields["scope"].value

    @property
    def tenant(self) -> str | None:
        return self.fields["tenant"].value

    @property
    def client_id(self) -> str | None:
        return self.fields["client_id"].value

    @property
    def authority(self) -> str | None:
        return self.fields["authority"].value

    @property
    def ca(self) -> str | None:
        return self.fields["ca"].value

    @property
    def address(self) -> str | None:
        """The h2oGPTe server."""
        return self.fields["address"].value

    def needed_scope(self) -> str:
        """The scope.

        Raises:
            ConfigurationError: There is none anywhere.
        """
        if self.scope:
            return self.scope
        raise ConfigurationError(
            "No scope: what is the token for? Add --scope api://APP/.default, set ENTRA_TOKENS_SCOPE, or keep it: "
            "entra-tokens config set scope api://APP/.default"
        )


def resolve(flags: Mapping[str, str | None], *, as_json: bool = False, new_profile: bool = False) -> Settings:
    """Settle the settings of this run.

    Args:
        flags: `profile` and what else was given on the command line, by the names of `FIELDS`.
        as_json: Whether `--json` was given.
        new_profile: Whether the profile may be one that is not there yet.

    Raises:
        ConfigurationError: The profile is not there, or its file cannot be read.
    """
    from .profiles import read_profile

    profile = _first(flags.get("profile"), "profile", ("ENTRA_TOKENS_PROFILE",), None, "", DEFAULT_PROFILE)
    kept = read_profile(profile.value or "", must_be=profile.value != DEFAULT_PROFILE and not new_profile)
    origin = f"profile {profile.value}"
    fields = {
        name: _first(flags.get(name), name, variables, kept.get(name), origin, default)
        for name, (variables, default) in FIELDS.items()
    }
    chosen = fields["credential"]
    if chosen.value not in CREDENTIALS:
        raise ConfigurationError(
            f"{chosen.value!r} ({chosen.source}) is not a credential. There are: {', '.join(CREDENTIALS)}."
        )
    return Settings(profile, fields, as_json)


def flag_of(name: str) -> str:
    """The option of a field."""
    return f"--{name.replace('_', '-')}"


def _first(
    flag: str | None, name: str, variables: tuple[str, ...], kept: str | None, origin: str, default: str | None
) -> Setting:
    if flag:
        return Setting(flag, flag_of(name))
    if kept and name in _UNDER_PROFILE:
        return Setting(kept, origin)
    for variable in variables:
        value = environment.read(variable)
        if value:
            return Setting(value, variable)
    if kept:
        return Setting(kept, origin)
    return Setting(default, "default" if default else "")
