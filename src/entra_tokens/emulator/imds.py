"""The instance metadata service's token endpoint (virtual machines, scale sets, AKS nodes).

https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse

from .managed_identity import doubled, host_route, issued, selectors
from .replies import spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .tokens import IssuedToken
    from .world import World

__all__ = ["IMDS_PATH", "imds_body", "imds_routes"]

IMDS_PATH = "/metadata/identity/oauth2/token"
_NAMES = {
    "client_id": "client_id",
    "object_id": "object_id",
    "msi_res_id": "resource_id",
    "mi_res_id": "resource_id",
}
_VERSIONS = ["2018-02-01", "2019-08-01", "2021-02-01", "2023-07-01"]
_SERVER = {"Server": "IMDS/150.870.65.1854"}
# The text of the 429 is that of a published log, those of 401 and 5xx the documentation's; 404 and 410 have none there.
_FAILURES = {
    401: ("unknown_source", "Unknown Source"),
    404: ("not_found", "IMDS endpoint is updating"),
    405: ("method_not_allowed", "The HTTP verb is not supported"),
    410: ("gone", "IMDS is going through updates"),
    429: ("invalid_request", "Temporarily throttled, too many requests"),
}
_FAILED = ("unknown", "Failed to retrieve token from the Active directory.")
# Docker Desktop's network answers for the address where there is no IMDS.
_DOCKER = "connecting to 169.254.169.254:80: dial tcp 169.254.169.254:80: connectex: A socket operation was attempted "
_DOCKER += "to an unreachable network."


def imds_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        query = request.query_params
        if request.scope["state"].get("throttled"):
            return _failure(429)
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
                headers=_SERVER,
            )
        resource = query.get("resource")
        if not resource:
            return _refused("invalid_request", "Required query variable 'resource' is missing")
        named = selectors(request, _NAMES)
        if len(named) > 1:
            return _refused("invalid_request", "Only one of client_id, object_id and msi_res_id may be specified")
        identity = world.hosting.identities.find(named, only_one_will_do=True)
        if identity is None:
            return _refused("invalid_request", "Identity not found")
        token = issued(request, world, resource, identity)
        content = {**imds_body(token, resource), "client_id": identity.client_id}
        return JSONResponse(spoiled(request, content), headers=_SERVER)

    expected = "Metadata: true, an api-version, resource= and at most one of client_id, object_id and msi_res_id"
    return [host_route(IMDS_PATH, token, _failure, expected=expected)]


def imds_body(token: IssuedToken, resource: str) -> dict[str, str]:
    """The reply's fields: all of them strings, unlike the token service's."""
    return {
        "access_token": token.value,
        "expires_in": str(token.expires_in),
        "expires_on": str(int(token.expires_on)),
        "ext_expires_in": str(token.expires_in),
        "not_before": str(int(token.issued_at)),
        "resource": resource,
        "token_type": "Bearer",
    }


def _refused(error: str, description: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, status_code=status, headers=_SERVER)


def _failure(status: int) -> Response:
    if status == 403:
        return PlainTextResponse(_DOCKER, status_code=403)
    return _refused(*_FAILURES.get(status, _FAILED), status)
