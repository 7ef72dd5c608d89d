"""Puts the endpoints together: one application a listener."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .app_service import APP_SERVICE_PATH, app_service_routes
from .app_service_2017 import APP_SERVICE_2017_PATH, AZURE_ML_PATH, app_service_2017_routes
from .arc import ARC_PATH, arc_routes
from .authorize_endpoint import SIGN_IN_PATH, authorize_routes
from .azd import azd_routes, azd_words
from .azure_cli import az_routes, az_words
from .azure_powershell import pwsh_routes, pwsh_words
from .ci_tokens import GITHUB_PATH, PIPELINES_PATH, ci_routes
from .cloud_shell import CLOUD_SHELL_PATH, cloud_shell_routes
from .control import control_routes
from .control_room import control_room_routes
from .device_page import device_routes
from .discovery import discovery_routes
from .front_auth import noted, target_of
from .gateway import Gateway
from .h2ogpte_front import front_app
from .identity_provider import provider_routes
from .imds import IMDS_PATH, imds_routes
from .imds_limits import ImdsLimits
from .outside_issuer import outside_routes
from .replies import log_answer
from .service_fabric import SERVICE_FABRIC_PATH, service_fabric_routes
from .token_endpoint import TokenEndpoint, token_routes
from .tool_output import ToolOutput, Words
from .tools import TOOL_PATHS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from .world import World

__all__ = ["authority_app", "control_app", "h2ogpte_app", "managed_identity_app", "secure_hosts_app"]

_log = logging.getLogger("entra_tokens.emulator")


def authority_app(world: World) -> ASGIApp:
    routes = [
        *token_routes(world),
        *discovery_routes(world),
        *device_routes(world),
        *authorize_routes(world),
        *provider_routes(world),
        _no_endpoint(),
    ]
    return Gateway(TokenEndpoint(Starlette(routes=routes), world), world, _authority_target)


def _no_endpoint() -> Route:
    async def missing(request: Request) -> Response:
        expected = (
            "a path under /{tenant}: oauth2/v2.0/token, /authorize, /devicecode, v2.0/.well-known/… or discovery/…"
        )
        _log.warning("%s %s: there is no such endpoint; expected %s", request.method, request.url.path, expected)
        return Response(status_code=404)

    return Route("/{path:path}", missing, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])


def managed_identity_app(world: World) -> ASGIApp:
    """The hosts without TLS, and what the fake commands ask."""
    routes = [
        *imds_routes(world),
        *app_service_routes(world),
        *app_service_2017_routes(world),
        *arc_routes(world),
        *cloud_shell_routes(world),
        *az_routes(world),
        *azd_routes(world),
        *pwsh_routes(world),
        _nothing_else(IMDS_PATH, APP_SERVICE_PATH, APP_SERVICE_2017_PATH, AZURE_ML_PATH, ARC_PATH, CLOUD_SHELL_PATH),
    ]
    targets = {
        IMDS_PATH: "imds",
        APP_SERVICE_PATH: "app_service",
        APP_SERVICE_2017_PATH: "app_service_2017",
        AZURE_ML_PATH: "azure_ml",
        ARC_PATH: "arc",
        CLOUD_SHELL_PATH: "cloud_shell",
        **TOOL_PATHS,
    }
    tools = world.hosting.tools
    words: dict[str, Words] = {"az": az_words, "azd": partial(azd_words, tools=tools), "pwsh": pwsh_words}
    behind = Gateway(Starlette(routes=routes), world, targets.get)
    return ToolOutput(ImdsLimits(behind, IMDS_PATH, world.clock, world.hosting.switches), words)


def secure_hosts_app(world: World) -> ASGIApp:
    """Service Fabric, the CI services, and the keys of the issuers outside Entra."""
    outside = outside_routes(world.hosting.outside, world.issuer.signer)
    routes = [
        *service_fabric_routes(world),
        *ci_routes(world),
        *outside,
        _nothing_else(SERVICE_FABRIC_PATH, GITHUB_PATH, PIPELINES_PATH),
    ]
    targets = {
        SERVICE_FABRIC_PATH: "service_fabric",
        GITHUB_PATH: "github_actions",
        PIPELINES_PATH: "azure_pipelines",
    }
    return Gateway(Starlette(routes=routes), world, targets.get)


def _nothing_else(*paths: str) -> Route:
    async def unknown(request: Request) -> Response:
        response = JSONResponse({"error": "Not found"}, status_code=404)
        log_answer(request, response, f"a path of {', '.join(paths)}")
        return response

    return Route("/{path:path}", unknown, methods=["GET", "POST"])


def h2ogpte_app(world: World) -> ASGIApp:
    return Gateway(front_app(world), world, target_of, noted=noted)


def control_app(world: World) -> ASGIApp:
    """For programs and people; the device page is here too, because no browser trusts the authority's certificate."""
    routes = [*control_routes(world), *control_room_routes(world), *device_routes(world)]
    return Gateway(Starlette(routes=routes), world, lambda _path: None)


def _authority_target(path: str) -> str | None:
    """The fault target that a path of the authority's belongs to; the page a person sees has none."""
    if path in ("/device", SIGN_IN_PATH) or path.startswith("/idp/"):
        return None
    for ending, target in (
        ("/discovery/instance", "instance"),
        ("/.well-known/openid-configuration", "discovery"),
        ("/keys", "keys"),
        ("/devicecode", "device"),
        ("/authorize", "authorize"),
        ("/token", "token"),
    ):
        if path.endswith(ending):
            return target
    return "other"
