"""Service Fabric's managed-identity endpoint: https, with a certificate that clients know by its thumbprint.

https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse

from .expiry_forms import expiry
from .managed_identity import doubled, host_route, issued, opens
from .replies import spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .world import World

__all__ = ["SERVICE_FABRIC_PATH", "SERVICE_FABRIC_VERSION", "service_fabric_routes"]

SERVICE_FABRIC_PATH = "/metadata/identity/oauth2/token"
SERVICE_FABRIC_VERSION = "2019-07-01-preview"
# Plain text, and not JSON (github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/5178).
_THROTTLED = "The request was throttled locally; the service allows 30 requests per 10s; retry after 4s."


def service_fabric_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        query = request.query_params
        if "secret" not in request.headers:
            return _refused(400, "SecretHeaderNotFound", "Secret is not found in the request headers.")
        if not opens(request, "secret", world.hosting.service_fabric_header):
            return _no_identity()
        if (name := doubled(request)) is not None:
            return _refused(400, "InvalidRequest", f"The parameter '{name}' was given more than once.")
        if (version := query.get("api-version", "")) != SERVICE_FABRIC_VERSION:
            text = f"The api-version '{version}' is not supported. Supported version is '{SERVICE_FABRIC_VERSION}'."
            return _refused(400, "InvalidApiVersion", text)
        resource = query.get("resource")
        if not resource:
            text = "The parameter 'resource' should not be null or empty string."
            return _refused(400, "ArgumentNullOrEmpty", text)
        # Which identity it is, the cluster's configuration says; a request cannot.
        identity = world.hosting.identities.find({}, only_one_will_do=True)
        if identity is None:
            return _no_identity()
        token = issued(request, world, resource, identity)
        content = {
            "token_type": "Bearer",
            "access_token": token.value,
            "expires_on": expiry(token.expires_on, world.hosting.switches.service_fabric_expires_on),
            "resource": resource,
        }
        return JSONResponse(spoiled(request, content))

    expected = f"the header secret, api-version={SERVICE_FABRIC_VERSION} and resource="
    return [host_route(SERVICE_FABRIC_PATH, token, _failure, expected=expected)]


def _no_identity() -> JSONResponse:
    text = "Managed identity not found for the specified application host."
    return _refused(404, "ManagedIdentityNotFound", text)


def _refused(status: int, code: str, message: str) -> JSONResponse:
    content = {"error": {"correlationId": str(uuid.uuid4()), "code": code, "message": message}}
    return JSONResponse(content, status_code=status)


def _failure(status: int) -> Response:
    if status == 429:
        return PlainTextResponse(_THROTTLED, status_code=429)
    if status == 404:
        return _no_identity()
    return _refused(status, "InternalServerError", "An error occurred.")
