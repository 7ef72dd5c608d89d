"""App Service's 2017-09-01 (Linux Consumption plans have no other), and Azure Machine Learning, which speaks the same.

Both open with the header `secret` and know one selector, `clientid`; the rest of what the newer hosts select by is
ignored, and so the system-assigned identity answers. No documentation of Azure ML's endpoint is public: its part is
what the clients' sources expect.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from .expiry_forms import expiry
from .managed_identity import doubled, host_route, issued, opens, selectors
from .replies import spoiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .world import World

__all__ = ["APP_SERVICE_2017_PATH", "AZURE_ML_PATH", "app_service_2017_routes"]

APP_SERVICE_2017_PATH = "/MSI/token/"
AZURE_ML_PATH = "/azureml/msi/token"
_CODES = {400: "bad_request", 401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 429: "throttled"}
_TEXTS = {405: "The HTTP verb is not supported.", 429: "Too many requests."}
_FAILED = "An attempt was made to fetch a token from the Managed Service Identity, and it failed."


def app_service_2017_routes(world: World) -> list[Route]:
    hosting = world.hosting
    return [
        _route(
            world,
            APP_SERVICE_2017_PATH,
            hosting.app_service_2017_secret,
            lambda: hosting.switches.app_service_2017_expires_on,
        ),
        _route(world, AZURE_ML_PATH, hosting.azure_ml_secret, lambda: hosting.switches.azure_ml_expires_on),
    ]


def _route(world: World, path: str, secret: str, form: Callable[[], str]) -> Route:
    async def token(request: Request) -> Response:
        query = request.query_params
        if not opens(request, "secret", secret):
            return _refused(401, "The secret header is missing or wrong.")
        if (name := doubled(request)) is not None:
            return _refused(400, f"The query parameter {name} was given more than once.")
        if query.get("api-version") != "2017-09-01":
            return _refused(400, "The api-version is missing or not supported.")
        resource = query.get("resource")
        if not resource:
            return _refused(400, "The query parameter resource is missing.")
        identity = world.hosting.identities.find(selectors(request, {"clientid": "client_id"}))
        if identity is None:
            return _refused(400, "No Managed Identity found for specified ClientId.")
        token = issued(request, world, resource, identity)
        content = {
            "access_token": token.value,
            "expires_on": expiry(token.expires_on, form()),
            "resource": resource,
            "token_type": "Bearer",
        }
        return JSONResponse(spoiled(request, content))

    expected = "the header secret, api-version=2017-09-01, resource= and clientid= or nothing"
    return host_route(path, token, _failure, expected=expected)


def _refused(status: int, message: str) -> JSONResponse:
    content = {
        "ExceptionMessage": message,
        "ErrorCode": _CODES.get(status, "service_unavailable"),
        "ServiceErrorCodes": None,
        "StatusCode": status,
        "Message": message,
        "CorrelationId": str(uuid.uuid4()),
    }
    return JSONResponse(content, status_code=status)


def _failure(status: int) -> JSONResponse:
    return _refused(status, _TEXTS.get(status, _FAILED))
