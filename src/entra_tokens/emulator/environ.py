"""Variables that make code under test believe that it runs somewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entra_tokens import environment

from .app_service import APP_SERVICE_PATH
from .app_service_2017 import APP_SERVICE_2017_PATH, AZURE_ML_PATH
from .arc import ARC_PATH
from .ci_tokens import GITHUB_PATH, PIPELINES_PATH
from .cloud_shell import CLOUD_SHELL_PATH
from .service_fabric import SERVICE_FABRIC_PATH, SERVICE_FABRIC_VERSION
from .token_proxy import SERVER_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from .hosting import Hosting
    from .world import World

__all__ = ["PLACES", "PLACE_VARIABLES", "absent", "environ"]

# Whichever of these is there decides for a library where it runs, or as whom: those that a place does not set must be
# absent for code to believe in it.
PLACE_VARIABLES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IDENTITY_API_VERSION",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_CA_DATA",
    "AZURE_TOKEN_CREDENTIALS",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_OIDCREQUESTURI",
    "SYSTEM_ACCESSTOKEN",
)


def environ(place: str, world: World, ca_file: str) -> dict[str, str]:
    """The variables of one place; nothing is set by this. What must not be set, `absent` says.

    Raises:
        ValueError: An unknown place.
        PermissionError: Azure Arc's folder cannot be written to.
    """
    if place in _HOSTS:
        return _HOSTS[place](world.hosting)
    if place in _TOOLS:
        folder = world.hosting.tools.folder(_TOOLS[place])
        return {"PATH": os.pathsep.join([str(folder), environment.read("PATH", os.defpath)])}
    if place in _CLIENTS:
        return {**_CLIENTS[place](world), "SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}
    raise ValueError(f"{place!r} is no place that the emulator stands in for: {list(PLACES)}")


def absent(place: str, variables: dict[str, str]) -> tuple[str, ...]:
    """The variables that must not be there beside those of this place.

    Args:
        variables: What `environ` gave for it.
    """
    if place in _TOOLS:
        return PLACE_VARIABLES
    return tuple(name for name in PLACE_VARIABLES if name not in variables)


def _imds(hosting: Hosting) -> dict[str, str]:
    # The variable that azure-identity and msal read where another address than 169.254.169.254 stands in.
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": hosting.url}


def _app_service(hosting: Hosting) -> dict[str, str]:
    return {"IDENTITY_ENDPOINT": hosting.url + APP_SERVICE_PATH, "IDENTITY_HEADER": hosting.app_service_header}


def _app_service_2017(hosting: Hosting) -> dict[str, str]:
    return {"MSI_ENDPOINT": hosting.url + APP_SERVICE_2017_PATH, "MSI_SECRET": hosting.app_service_2017_secret}


def _arc(hosting: Hosting) -> dict[str, str]:
    hosting.arc_keys.prepare()
    return {"IDENTITY_ENDPOINT": hosting.url + ARC_PATH, "IMDS_ENDPOINT": hosting.url}


def _service_fabric(hosting: Hosting) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": hosting.secure_url + SERVICE_FABRIC_PATH,
        "IDENTITY_HEADER": hosting.service_fabric_header,
        "IDENTITY_SERVER_THUMBPRINT": hosting.thumbprint,
        "IDENTITY_API_VERSION": SERVICE_FABRIC_VERSION,
    }


def _cloud_shell(hosting: Hosting) -> dict[str, str]:
    return {"MSI_ENDPOINT": hosting.url + CLOUD_SHELL_PATH}


def _azure_ml(hosting: Hosting) -> dict[str, str]:
    return {"MSI_ENDPOINT": hosting.url + AZURE_ML_PATH, "MSI_SECRET": hosting.azure_ml_secret}


def _application(world: World) -> dict[str, str]:
    me = world.directory
    return {
        "AZURE_AUTHORITY_HOST": world.authority,
        "AZURE_TENANT_ID": me.tenant_id,
        "AZURE_CLIENT_ID": me.client_id,
    }


def _client_secret(world: World) -> dict[str, str]:
    return {**_application(world), "AZURE_CLIENT_SECRET": world.directory.client_secret}


def _workload_identity(world: World) -> dict[str, str]:
    return {
        **_application(world),
        "AZURE_AUTHORITY_HOST": world.authority + "/",  # as the webhook of AKS writes it
        "AZURE_FEDERATED_TOKEN_FILE": str(world.hosting.federated_file.path),
    }


def _workload_identity_proxy(world: World) -> dict[str, str]:
    hosting = world.hosting
    return {
        **_workload_identity(world),
        "AZURE_FEDERATED_TOKEN_FILE": str(hosting.bound_file.path),
        "AZURE_KUBERNETES_TOKEN_PROXY": hosting.token_proxy_url,
        "AZURE_KUBERNETES_SNI_NAME": SERVER_NAME,
        "AZURE_KUBERNETES_CA_FILE": str(hosting.token_proxy_ca_file),
    }


def _github_actions(world: World) -> dict[str, str]:
    return {
        **_application(world),
        # Clients append `&audience=…`.
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{world.hosting.secure_url}{GITHUB_PATH}?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": world.hosting.github_token,
    }


def _azure_pipelines(world: World) -> dict[str, str]:
    return {
        **_application(world),
        "SYSTEM_OIDCREQUESTURI": world.hosting.secure_url + PIPELINES_PATH,
        "SYSTEM_ACCESSTOKEN": world.hosting.pipelines_token,
        # As the tasks AzureCLI@2 and AzurePowerShell@5 set them.
        "AZURESUBSCRIPTION_TENANT_ID": world.directory.tenant_id,
        "AZURESUBSCRIPTION_CLIENT_ID": world.directory.client_id,
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": world.hosting.service_connection_id,
    }


_HOSTS: dict[str, Callable[[Hosting], dict[str, str]]] = {
    "imds": _imds,
    "app_service": _app_service,
    "app_service_2017": _app_service_2017,
    "arc": _arc,
    "service_fabric": _service_fabric,
    "cloud_shell": _cloud_shell,
    "azure_ml": _azure_ml,
}
_CLIENTS: dict[str, Callable[[World], dict[str, str]]] = {
    "workload_identity": _workload_identity,
    "workload_identity_proxy": _workload_identity_proxy,
    "github_actions": _github_actions,
    "azure_pipelines": _azure_pipelines,
    "client_secret": _client_secret,
}
_TOOLS = {"azure_cli": "az", "azd": "azd", "azure_powershell": "pwsh"}
PLACES = (*_HOSTS, *_CLIENTS, *_TOOLS)
