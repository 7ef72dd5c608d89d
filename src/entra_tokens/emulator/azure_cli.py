"""A fake `az` on the PATH that asks the emulator for its token."""

from __future__ import annotations

import secrets
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from .replies import fault_of, spoiled

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["AZ_PATH", "az_routes", "write_az"]

AZ_PATH = "/_az"

# Runs without site-packages and without our package: a start costs what Python itself costs.
_SCRIPT = """\
import http.client, json, sys

asked = sys.argv[1:]
body = json.dumps(asked)
connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout=30)
try:
    connection.request("POST", "{path}", body, {{"X-Emulator-Az": "{secret}", "Content-Type": "application/json"}})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
except OSError as error:
    sys.exit("ERROR: " + str(error))
if response.status != 200:
    try:
        answer = json.loads(text)
        text = answer.get("stderr") or answer.get("error_description") or text
    except ValueError:
        pass
    sys.exit("ERROR: " + text)
print(text)
"""


def write_az(folder: Path, world: World) -> None:
    """Put `az` (and on Windows `az.cmd`) into this folder."""
    port = world.managed_identity_url.rpartition(":")[2]
    script = folder / "az.py"
    script.write_text(_SCRIPT.format(port=port, path=AZ_PATH, secret=world.az_secret), encoding="utf-8")
    script.chmod(0o600)
    if sys.platform == "win32":
        (folder / "az.cmd").write_text(f'@"{sys.executable}" -S -E "{script}" %*\r\n', encoding="utf-8")
        return
    shell = folder / "az"
    shell.write_text(f"#!/bin/sh\nexec '{sys.executable}' -S -E '{script}' \"$@\"\n", encoding="utf-8")
    shell.chmod(0o700)


def az_routes(world: World) -> list[Route]:
    async def az(request: Request) -> Response:
        if not secrets.compare_digest(request.headers.get("x-emulator-az", "").encode(), world.az_secret.encode()):
            return JSONResponse({"stderr": "not the emulator's az"}, status_code=403)
        arguments: list[str] = await request.json()
        if arguments[:2] != ["account", "get-access-token"]:
            return JSONResponse(
                {"stderr": f"'{' '.join(arguments[:2])}' is misspelled or not recognized by the system."},
                status_code=400,
            )
        options = dict(zip(arguments[2::2], arguments[3::2], strict=False))
        resource = options.get("--resource") or options.get("--scope", "").removesuffix("/.default")
        if not resource:
            return JSONResponse({"stderr": "one of --resource and --scope is needed"}, status_code=400)
        tenant = options.get("--tenant", world.directory.tenant_id)
        if not world.directory.knows_tenant(tenant):
            return JSONResponse({"stderr": f"AADSTS90002: Tenant '{tenant}' not found."}, status_code=400)
        fault = fault_of(request)
        token = world.issuer.for_user(
            resource, "user_impersonation", expired=fault is not None and fault.kind == "expired"
        )
        content = {
            "accessToken": token.value,
            # Local time without a zone, as the real one prints it, and the second that newer ones print beside it.
            "expiresOn": f"{datetime.fromtimestamp(token.expires_on):%Y-%m-%d %H:%M:%S.%f}",
            "expires_on": int(token.expires_on),
            "tenant": tenant,
            "tokenType": "Bearer",
        }
        if "--tenant" not in options:
            content["subscription"] = options.get("--subscription", world.directory.subscription_id)
        return JSONResponse(spoiled(request, content))

    return [Route(AZ_PATH, az, methods=["POST"])]
