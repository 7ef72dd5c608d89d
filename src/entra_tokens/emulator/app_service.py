"""App Service, Functions and Container Apps, 2019-08-01.

https://learn.microsoft.com/azure/app-service/overview-managed-identity
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from .managed_identity import doubled, host_route, issued, opens, selectors
from .replies import spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .world import World

__all__ = ["APP_SERVICE_PATH", "app_service_routes"]

APP_SERVICE_PATH = "/msi/token"
_NAMES = {
    "client_id": "client_id",
    "principal_id": "object_id",
    "object_id": "object_id",
    "mi_res_id": "resource_id",
}
_FAILURES = {
    405: "The HTTP verb is not supported.",
    429: "Too many requests.",
    500: "An unexpected error occured while fetching the AAD Token.",  # spelled so by the service
}


def app_service_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        query = request.query_params
        if not opens(request, "x-identity-header", world.hosting.app_service_header):
            return _refused(401, "The X-IDENTITY-HEADER header is missing or wrong.")
        if (name := doubled(request)) is not None:
            return _refused(400, f"The query parameter {name} was given more than once.")
        if query.get("api-version") != "2019-08-01":
            return _refused(400, "The api-version is missing or not supported.")
        resource = query.get("resource")
        if not resource:
            return _refused(400, "The query parameter resource is missing.")
        named = selectors(request, _NAMES)
        identity = world.hosting.identities.find(named) if len(named) < 2 else None
        if identity is None:
            return _refused(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        token = issued(request, world, resource, identity)
        # No expires_in: this host names only the moment.
        content = {
            "access_token": token.value,
            "client_id": identity.client_id,
            "expires_on": str(int(token.expires_on)),
            "not_before": str(int(token.issued_at)),
            "resource": resource,
            "token_type": "Bearer",
        }
        return JSONResponse(spoiled(request, content))

    expected = (
        "X-IDENTITY-HEADER, api-version=2019-08-01, resource= and at most one of client_id, principal_id, mi_res_id"
    )
    return [host_route(APP_SERVICE_PATH, token, _failure, expected=expected)]


def _refused(status: int, message: str) -> JSONResponse:
    content = {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}
    return JSONResponse(content, status_code=status)


def _failure(status: int) -> JSONResponse:
    return _refused(status, _FAILURES.get(status, _FAILURES[500]))
