"""Puts the endpoints together: one application a listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from .app_service import APP_SERVICE_PATH, app_service_routes
from .azure_cli import AZ_PATH, az_routes
from .control import control_routes
from .device_page import device_routes
from .discovery import discovery_routes
from .front_auth import UNAUTHENTICATED
from .gateway import Gateway
from .h2ogpte_front import front_app
from .imds import IMDS_PATH, imds_routes
from .token_endpoint import token_routes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from .world import World

__all__ = ["authority_app", "control_app", "h2ogpte_app", "managed_identity_app"]


def authority_app(world: World) -> ASGIApp:
    routes = [*device_routes(world), *discovery_routes(world), *token_routes(world)]
    return Gateway(Starlette(routes=routes), world, _authority_target)


def managed_identity_app(world: World) -> ASGIApp:
    async def unknown(_request: Request) -> Response:
        return JSONResponse({"error": "Not found"}, status_code=404)

    routes = [
        *imds_routes(world),
        *app_service_routes(world),
        *az_routes(world),
        Route("/{path:path}", unknown, methods=["GET", "POST"]),
    ]
    targets = {IMDS_PATH: "imds", APP_SERVICE_PATH: "app_service", AZ_PATH: "az"}
    return Gateway(Starlette(routes=routes), world, targets.get)


def h2ogpte_app(world: World) -> ASGIApp:
    def target(path: str) -> str | None:
        if path in UNAUTHENTICATED:
            return None
        return "h2ogpte_ws" if path == "/ws" else "h2ogpte_http"

    return Gateway(front_app(world), world, target, recorded=False)


def control_app(world: World) -> ASGIApp:
    return Gateway(Starlette(routes=control_routes(world)), world, lambda _path: None)


def _authority_target(path: str) -> str | None:
    """The fault target that a path of the authority's belongs to; the page a person sees has none."""
    if path == "/device":
        return None
    for ending, target in (
        ("/discovery/instance", "instance"),
        ("/.well-known/openid-configuration", "discovery"),
        ("/keys", "keys"),
        ("/devicecode", "device"),
        ("/token", "token"),
    ):
        if path.endswith(ending):
            return target
    return "other"
