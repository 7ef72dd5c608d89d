"""Variables that make code under test believe that it runs somewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entra_tokens import environment

from .app_service import APP_SERVICE_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from .world import World

__all__ = ["PLACES", "environ"]

PLACES = ("imds", "app_service", "azure_cli", "client_secret")


def environ(place: str, world: World, ca_file: str, az_folder: Path) -> dict[str, str]:
    """The variables of one place; nothing is set by this.

    Raises:
        ValueError: An unknown place.
    """
    if place == "imds":
        # The variable that azure-identity reads where another address than 169.254.169.254 stands in.
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": world.managed_identity_url}
    if place == "app_service":
        return {
            "IDENTITY_ENDPOINT": world.managed_identity_url + APP_SERVICE_PATH,
            "IDENTITY_HEADER": world.identity_header,
        }
    if place == "azure_cli":
        return {"PATH": os.pathsep.join([str(az_folder), environment.read("PATH", os.defpath)])}
    if place == "client_secret":
        me = world.directory
        return {
            "AZURE_AUTHORITY_HOST": world.authority,
            "AZURE_TENANT_ID": me.tenant_id,
            "AZURE_CLIENT_ID": me.client_id,
            "AZURE_CLIENT_SECRET": me.client_secret,
            "SSL_CERT_FILE": ca_file,
            "REQUESTS_CA_BUNDLE": ca_file,
        }
    raise ValueError(f"{place!r} is no place that the emulator stands in for: {list(PLACES)}")
