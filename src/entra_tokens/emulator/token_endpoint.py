"""The token and device-code endpoints, v2 and v1, and the realm of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.routing import Route

from .asked_claims import asked_claims
from .grants import answered
from .refusals import Refusal, refusal_for
from .replies import json_reply, refused, spoiled, token_answer
from .scopes import user_scopes
from .token_call import TokenCall, checked_client, checked_tenant, form_of, needed

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .device_codes import DeviceCode
    from .faults import Fault
    from .world import World

__all__ = ["TokenEndpoint", "token_path", "token_routes"]


class TokenEndpoint:
    """`/{tenant}/oauth2/v2.0/token` and `/{tenant}/oauth2/token`; every other path is the application's behind it.

    Nothing else is asked as often: it spares itself a router's way and a request's parts that were read already.
    """

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tenant, version = token_path(scope["path"])
        if not version or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        world, state = self._world, scope["state"]
        headers: dict[str, str] = state["headers"]
        fault: Fault | None = state.get("fault")
        try:
            if scope["method"] != "POST":
                raise refusal_for(900561, method=scope["method"], expected="POST")
            form = form_of(headers, state["body"])
            authorization = headers.get("authorization", "")
            expired = fault is not None and fault.kind == "expired"
            content = answered(TokenCall(world, form, tenant, version, authorization, expired))
        except Refusal as refusal:
            await refused(Request(scope, receive), world, refusal)(scope, receive, send)
            return
        if fault is not None:
            content = spoiled(Request(scope, receive), content)
        fields, body = token_answer(world, headers, content)
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})


_VERSIONS = {"oauth2/v2.0/token": 2, "oauth2/token": 1}


def token_path(path: str) -> tuple[str, int]:
    """The tenant and the version, 1 or 2; 0: another path."""
    tenant, _, rest = path.removeprefix("/").partition("/")
    return tenant, _VERSIONS.get(rest, 0) if tenant and path.startswith("/") else 0


def token_routes(world: World) -> list[Route]:
    async def device(request: Request, version: int) -> Response:
        try:
            form = await _form(request)
            tenant = request.path_params["tenant"]
            checked_tenant(world, tenant)
            application = checked_client(world, needed(form, "client_id"), tenant)
            if version == 1:
                scopes = f"{needed(form, 'resource')}/.default openid offline_access"
            else:
                scopes = needed(form, "scope")
            user_scopes(scopes)
            acrs = asked_claims(form.get("claims")).acrs
        except Refusal as refusal:
            return refused(request, world, refusal)
        code = world.device_codes.issue(application.client_id, scopes, acrs)
        return json_reply(request, world, spoiled(request, _instructions(world, code, version)))

    async def device_v2(request: Request) -> Response:
        return await device(request, 2)

    async def device_v1(request: Request) -> Response:
        return await device(request, 1)

    async def realm(request: Request) -> Response:
        """What msal asks before it sends a password: every account here is managed, none federated."""
        username: str = request.path_params["username"]
        content = {
            "ver": "1.0",
            "account_type": "Managed" if world.registry.account_of(username) else "Unknown",
            "domain_name": username.rpartition("@")[2],
            "cloud_instance_name": world.authority.removeprefix("https://"),
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }
        return json_reply(request, world, content)

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    return [
        Route("/{tenant}/oauth2/v2.0/devicecode", device_v2, methods=every),
        Route("/{tenant}/oauth2/devicecode", device_v1, methods=every),
        Route("/common/userrealm/{username}", realm, methods=["GET"]),
    ]


async def _form(request: Request) -> dict[str, str]:
    if request.method != "POST":
        raise refusal_for(900561, method=request.method, expected="POST")
    return form_of(request.headers, await request.body())


def _instructions(world: World, code: DeviceCode, version: int) -> dict[str, Any]:
    codes, page = world.device_codes, f"{world.authority}/device"
    content: dict[str, Any] = {
        "user_code": code.user_code,
        "device_code": code.device_code,
        "verification_uri": page,
        "expires_in": int(codes.lifetime),
        "interval": _whole(codes.interval),
        "message": f"To sign in, use a web browser to open the page {page} and enter the code {code.user_code} to "
        "authenticate.",
    }
    if version == 1:
        content["verification_url"] = content.pop("verification_uri")
        content.update(expires_in=str(content["expires_in"]), interval=str(content["interval"]))
    return content


def _whole(seconds: float) -> float | int:
    return int(seconds) if float(seconds).is_integer() else seconds
