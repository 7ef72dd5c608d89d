"""Settings turned into a credential and a provider."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .. import environment
from ..errors import ConfigurationError
from .files import checked_ca, why_no_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..credentials.person import Person
    from ..credentials.protocol import Credential
    from ..provider import TokenProvider
    from ..stores.file import FileStore
    from .settings import Setting, Settings
    from .sign_in_screen import SignInScreen

__all__ = ["asking", "credential_of", "provider_of", "store_of"]


def provider_of(settings: Settings, *, scope: str | None = None, **options: Any) -> TokenProvider:
    """A provider with the files of this user behind it.

    Args:
        settings: Of this run.
        scope: Another than the settings'.
        options: As `TokenProvider` has them.

    Raises:
        ConfigurationError: Something is missing or cannot be right.
    """
    scope = scope or settings.needed_scope()
    if settings.fields["ca"].is_given:
        checked_ca(settings.fields["ca"])
    from ..provider import TokenProvider

    return TokenProvider(credential_of(settings), scope, **{"store": store_of(), **options})


def store_of() -> FileStore:
    """Where tokens and sign-ins of this user are."""
    from ..stores.file import FileStore

    return FileStore()


def credential_of(settings: Settings) -> Credential:
    """The credential that the settings name. It never asks a person: only `login` does.

    `default` and `environment` read the environment, so what a flag or a profile says is put there first: take
    `environment.snapshot()` before, for a child that is not to see it.

    Raises:
        ConfigurationError: Something is missing or cannot be right.
    """
    return _MADE[settings.credential](settings)


def asking(settings: Settings, screen: SignInScreen) -> Person:
    """The credential of a sign-in that asks on this screen.

    Raises:
        ConfigurationError: Something is missing or cannot be right.
    """
    names = _needed(settings, "client_id"), settings.tenant or "organizations"
    if settings.credential == "browser":
        from ..credentials.interactive_browser import InteractiveBrowser
        from .sign_in_screen import PAGE_PATIENCE

        return InteractiveBrowser(
            *names, opener=screen.show_page, sign_in_timeout=PAGE_PATIENCE, **_authority(settings)
        )
    from ..credentials.device_code import DeviceCode

    return DeviceCode(*names, prompt=screen.show_code, **_authority(settings))


def _default(settings: Settings) -> Credential:
    from ..credentials.default import Default

    _put_in_environment(settings)
    return Default()


def _environment(settings: Settings) -> Credential:
    from ..credentials.environment import Environment

    _put_in_environment(settings)
    return Environment()


def _put_in_environment(settings: Settings) -> None:
    names = {"tenant": "AZURE_TENANT_ID", "client_id": "AZURE_CLIENT_ID", "authority": "AZURE_AUTHORITY_HOST"}
    names["ca"] = "SSL_CERT_FILE"
    given = {variable: settings.fields[name] for name, variable in names.items()}
    environment.apply({name: each.value for name, each in given.items() if each.is_given and each.value})


def _managed_identity(settings: Settings) -> Credential:
    from ..credentials.managed_identity import ManagedIdentity

    return ManagedIdentity(client_id=settings.client_id)


def _workload_identity(settings: Settings) -> Credential:
    from ..credentials.workload_identity import WorkloadIdentity

    return WorkloadIdentity(tenant_id=settings.tenant, client_id=settings.client_id, **_authority(settings))


def _client_secret(settings: Settings) -> Credential:
    from ..credentials.client_secret import ClientSecret

    tenant, client_id = _needed(settings, "tenant"), _needed(settings, "client_id")
    secret = environment.read("AZURE_CLIENT_SECRET")
    if not secret:
        raise ConfigurationError(
            "client-secret needs the secret in AZURE_CLIENT_SECRET (no option takes it: everybody can see the options "
            "of a running command)."
        )
    return ClientSecret(tenant, client_id, secret, **_authority(settings))


def _client_certificate(settings: Settings) -> Credential:
    from ..credentials.client_certificate import ClientCertificate

    tenant, client_id = _needed(settings, "tenant"), _needed(settings, "client_id")
    path = environment.read("AZURE_CLIENT_CERTIFICATE_PATH")
    if not path:
        raise ConfigurationError("client-certificate needs the file's path in AZURE_CLIENT_CERTIFICATE_PATH.")
    with suppress(OSError):  # the credential says that better
        if why := why_no_file(path):
            raise ConfigurationError(f"The certificate file {path!r} cannot be read: {why}.")
    return ClientCertificate(
        tenant,
        client_id,
        path,
        password=environment.read("AZURE_CLIENT_CERTIFICATE_PASSWORD") or None,
        send_chain=environment.read("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN").lower() in ("1", "true"),
        **_authority(settings),
    )


def _device_code(settings: Settings) -> Credential:
    from ..credentials.device_code import DeviceCode

    return DeviceCode(
        _needed(settings, "client_id"), settings.tenant or "organizations", interactive=False, **_authority(settings)
    )


def _browser(settings: Settings) -> Credential:
    from ..credentials.interactive_browser import InteractiveBrowser

    return InteractiveBrowser(
        _needed(settings, "client_id"), settings.tenant or "organizations", interactive=False, **_authority(settings)
    )


def _azure_cli(settings: Settings) -> Credential:
    from ..credentials.azure_cli import AzureCli

    return AzureCli(tenant_id=_chosen(settings.fields["tenant"]))


def _azd(settings: Settings) -> Credential:
    from ..credentials.azure_developer_cli import AzureDeveloperCli

    return AzureDeveloperCli(tenant_id=_chosen(settings.fields["tenant"]))


def _azure_powershell(settings: Settings) -> Credential:
    from ..credentials.azure_powershell import AzurePowerShell

    return AzurePowerShell(tenant_id=_chosen(settings.fields["tenant"]))


def _chosen(tenant: Setting) -> str | None:
    """The tools have a tenant of their own, which AZURE_TENANT_ID says nothing about."""
    return tenant.value if tenant.is_given else None


def _authority(settings: Settings) -> dict[str, Any]:
    authority = settings.fields["authority"]
    ca = os.path.expanduser(settings.ca) if settings.ca else True  # a profile that is written by hand may have a tilde
    return {"authority": authority.value if authority.source else None, "verify": ca}


def _needed(settings: Settings, name: str) -> str:
    value = settings.fields[name].value
    if value:
        return value
    flag, variable = f"--{name.replace('_', '-')}", {"tenant": "AZURE_TENANT_ID", "client_id": "AZURE_CLIENT_ID"}[name]
    raise ConfigurationError(
        f"{settings.credential} needs {flag}: add it, set {variable}, or keep it in a profile with 'entra-tokens "
        f"config set {name} VALUE'."
    )


_MADE: dict[str, Callable[[Settings], Credential]] = {
    "default": _default,
    "managed-identity": _managed_identity,
    "workload-identity": _workload_identity,
    "client-secret": _client_secret,
    "client-certificate": _client_certificate,
    "device-code": _device_code,
    "browser": _browser,
    "azure-cli": _azure_cli,
    "azd": _azd,
    "azure-powershell": _azure_powershell,
    "environment": _environment,
}
