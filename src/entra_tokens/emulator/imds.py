"""The instance metadata service's token endpoint (virtual machines, scale sets, AKS nodes).

https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from .managed_identity import doubled, issued, selectors
from .replies import spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["IMDS_PATH", "imds_routes"]

IMDS_PATH = "/metadata/identity/oauth2/token"
_NAMES = {
    "client_id": "client_id",
    "object_id": "object_id",
    "msi_res_id": "resource_id",
    "mi_res_id": "resource_id",
}
_VERSIONS = ["2018-02-01", "2019-08-01", "2021-02-01", "2023-07-01"]


def imds_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        query = request.query_params
        # azure-identity probes without the header; what answers 400 is taken for IMDS.
        if request.headers.get("metadata", "").lower() != "true":
            return _refused("bad_request_102", "Required metadata header not specified")
        if "x-forwarded-for" in request.headers:
            return _refused("invalid_request", "The request contains an X-Forwarded-For header")
        if (name := doubled(request)) is not None:
            return _refused("invalid_request", f"Multiple values of the query parameter '{name}'")
        if query.get("api-version") not in _VERSIONS:
            problem = "not specified" if "api-version" not in query else "not supported"
            return JSONResponse(
                {"error": f"Bad request. api-version was {problem} in the request.", "newest-versions": _VERSIONS},
                status_code=400,
            )
        resource = query.get("resource")
        if not resource:
            return _refused("invalid_request", "Required query variable 'resource' is missing")
        named = selectors(request, _NAMES)
        if len(named) > 1:
            return _refused("invalid_request", "Only one of client_id, object_id and msi_res_id may be specified")
        identity = world.directory.identity(named)
        if identity is None:
            return _refused("invalid_request", "Identity not found")
        token = issued(request, world, resource, identity)
        # All of them strings, unlike the token service's.
        content = {
            "access_token": token.value,
            "client_id": identity.client_id,
            "expires_in": str(token.expires_in),
            "expires_on": str(int(token.expires_on)),
            "ext_expires_in": str(token.expires_in),
            "not_before": str(int(token.issued_at)),
            "resource": resource,
            "token_type": "Bearer",
        }
        return JSONResponse(spoiled(request, content), headers={"Server": "IMDS/150.870.65.1854"})

    return [Route(IMDS_PATH, token, methods=["GET"])]


def _refused(error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, status_code=400)
