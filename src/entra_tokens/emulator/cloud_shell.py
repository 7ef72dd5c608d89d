"""Azure Cloud Shell, which gives tokens of the person who sits there.

https://learn.microsoft.com/azure/cloud-shell/msi-authorization
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from .imds import imds_body
from .managed_identity import form_of, host_route
from .replies import fault_of, spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .world import World

__all__ = ["CLOUD_SHELL_PATH", "cloud_shell_routes"]

CLOUD_SHELL_PATH = "/oauth2/token"
_SELECTORS = ("client_id", "clientid", "object_id", "msi_res_id", "mi_res_id", "resource_id")


def cloud_shell_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        if request.headers.get("metadata", "").lower() != "true":
            return _refused(400, "InvalidRequest", "Required metadata header not specified")
        form = await form_of(request)
        resource = form.get("resource")
        if not resource:
            return _refused(400, "InvalidRequest", "The form field resource is missing.")
        if named := [name for name in _SELECTORS if name in form]:
            return _refused(400, "InvalidRequest", f"There are no user-assigned identities here, but {named[0]} is set")
        allowed = world.hosting.switches.cloud_shell_audiences
        if allowed is not None and resource not in allowed:
            supported = ",".join(sorted(allowed))
            text = f"Audience {resource} is not a supported MSI token audience. Supported audiences: {supported}"
            return _refused(400, "AudienceNotSupported", text)
        fault = fault_of(request)
        expired = fault is not None and fault.kind == "expired"
        token = world.issuer.for_user(resource, "user_impersonation", expired=expired)
        return JSONResponse(spoiled(request, {**imds_body(token, resource), "refresh_token": ""}))

    expected = "Metadata: true and resource= in a form"
    return [host_route(CLOUD_SHELL_PATH, token, _failure, method="POST", expected=expected)]


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _failure(status: int) -> JSONResponse:
    if status == 405:
        return _refused(405, "MethodNotAllowed", "The HTTP verb is not supported.")
    if status == 429:
        return _refused(429, "TooManyRequests", "Too many requests.")
    return _refused(status, "InternalServerError", "An error occurred.")
