"""Where jobs of GitHub Actions and Azure Pipelines get the token that says which workflow they are.

https://docs.github.com/actions/reference/security/oidc
https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, RedirectResponse

from .managed_identity import host_route, opens
from .outside_issuer import AUDIENCE, GITHUB, PIPELINES
from .replies import fault_of, spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .world import World

__all__ = ["GITHUB_PATH", "PIPELINES_PATH", "ci_routes"]

GITHUB_PATH = "/github/idtoken"
PIPELINES_PATH = "/emulator/app/_apis/distributedtask/hubs/build/plans/1/jobs/1/oidctoken"
_GITHUB_LIFE = 300  # seconds
_PIPELINES_LIFE = 600
_GITHUB_OWNER = "https://github.com/emulator"


def ci_routes(world: World) -> list[Route]:
    hosting = world.hosting

    async def github(request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), hosting.github_token.encode()):
            return JSONResponse({"message": "The request token is missing or wrong."}, status_code=401)
        # An audience that is not asked for is the repository owner's address.
        audience = request.query_params.get("audience") or _GITHUB_OWNER
        token = hosting.outside[GITHUB].token(
            audience,
            _life(request, _GITHUB_LIFE),
            repository="emulator/app",
            repository_owner="emulator",
            ref="refs/heads/main",
            ref_type="branch",
            event_name="push",
            workflow="CI",
            runner_environment="github-hosted",
        )
        return JSONResponse(spoiled(request, {"count": len(token), "value": token}))

    async def pipelines(request: Request) -> Response:
        if not opens(request, "authorization", f"Bearer {hosting.pipelines_token}"):
            # The service sends whoever has no token to its sign-in page, unless asked not to.
            if request.headers.get("x-tfs-fedauthredirect", "").lower() == "suppress":
                return _pipelines_failure(401)
            return RedirectResponse(f"{world.authority}/_signin", status_code=302)
        query = request.query_params
        if not query.get("api-version"):
            return _refused(400, "No api-version was supplied for the POST request.", "VssVersionNotSpecifiedException")
        connection = query.get("serviceConnectionId")
        if connection is not None and connection.lower() != hosting.service_connection_id:
            text = f"The service connection {connection} was not found or is not authorized for use."
            return _refused(404, text, "ServiceEndpointNotFoundException")
        token = hosting.outside[PIPELINES].token(AUDIENCE, _life(request, _PIPELINES_LIFE))
        return JSONResponse(spoiled(request, {"oidcToken": token}))

    return [
        host_route(GITHUB_PATH, github, _github_failure, expected="Authorization: Bearer with the job's request token"),
        host_route(
            PIPELINES_PATH,
            pipelines,
            _pipelines_failure,
            method="POST",
            expected="Authorization: Bearer with SYSTEM_ACCESSTOKEN, and an api-version",
        ),
    ]


def _life(request: Request, seconds: float) -> float:
    fault = fault_of(request)
    return -60 if fault is not None and fault.kind == "expired" else seconds


def _github_failure(status: int) -> JSONResponse:
    return JSONResponse({"message": f"HTTP {status} of the emulated GitHub Actions"}, status_code=status)


def _pipelines_failure(status: int) -> JSONResponse:
    if status == 401:
        text = "TF400813: The user is not authorized to access this resource."
        return _refused(status, text, "UnauthorizedRequestException")
    return _refused(status, f"HTTP {status} of the emulated Azure Pipelines", "VssServiceException")


def _refused(status: int, message: str, kind: str) -> JSONResponse:
    content = {"$id": "1", "innerException": None, "message": message, "typeKey": kind, "errorCode": 0}
    return JSONResponse(content, status_code=status)
