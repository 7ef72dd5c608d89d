"""Azure Arc's agent: it asks to be shown the text of a file that only those who may have a token can read.

https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from .imds import imds_body
from .managed_identity import doubled, host_route, issued, selectors
from .replies import spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .world import World

__all__ = ["ARC_PATH", "arc_routes"]

ARC_PATH = "/arc/metadata/identity/oauth2/token"
_VERSIONS = ("2019-08-15", "2019-11-01", "2020-06-01")
_NAMES = {"client_id": "client_id", "object_id": "object_id", "msi_res_id": "resource_id"}
_FAILURES = {
    405: ("method_not_allowed", "The HTTP verb is not supported"),
    429: ("invalid_request", "Temporarily throttled, too many requests"),
}


def arc_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        hosting, query = world.hosting, request.query_params
        if request.headers.get("metadata", "").lower() != "true":
            return _refused("bad_request_102", "Required metadata header not specified")
        if (name := doubled(request)) is not None:
            return _refused("invalid_request", f"Multiple values of the query parameter '{name}'")
        if query.get("api-version") not in _VERSIONS:
            return _refused("invalid_request", "The api-version is missing or not supported")
        resource = query.get("resource")
        if not resource:
            return _refused("invalid_request", "Required query variable 'resource' is missing")
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not hosting.arc_keys.accepts(key.strip()):
            # Unquoted: azure-identity takes what follows the sign of equality as it is.
            try:
                key_file = hosting.arc_keys.challenge()
            except OSError:
                return _failure(500)
            challenge = {"WWW-Authenticate": f"Basic realm={key_file}"}
            return _refused("unauthorized_client", "Basic authentication with the key file", 401, challenge)
        named = selectors(request, _NAMES) if hosting.switches.arc_user_assigned else {}
        if len(named) > 1:
            return _refused("invalid_request", "Only one of client_id, object_id and msi_res_id may be specified")
        identity = hosting.identities.find(named, only_one_will_do=True)
        if identity is None:
            return _refused("invalid_request", "Identity not found")
        content = {**imds_body(issued(request, world, resource, identity), resource), "client_id": identity.client_id}
        # The identity that was asked for is named again, so that the caller knows an agent that ignores it.
        content |= {name: getattr(identity, meaning) for name, meaning in _NAMES.items() if meaning in named}
        return JSONResponse(spoiled(request, content))

    expected = f"Metadata: true, an api-version of {', '.join(_VERSIONS)}, resource= and then the key file's text"
    return [host_route(ARC_PATH, token, _failure, expected=expected)]


def _refused(error: str, description: str, status: int = 400, headers: dict[str, str] | None = None) -> JSONResponse:
    content = {"error": error, "error_description": description}
    return JSONResponse(content, status_code=status, headers=headers)


def _failure(status: int) -> JSONResponse:
    return _refused(*_FAILURES.get(status, ("unknown", "The agent failed to get a token")), status)
