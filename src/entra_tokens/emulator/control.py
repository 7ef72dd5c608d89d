"""The switches over HTTP, for whoever is in another process; the secret header is the key."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from .device_page import is_same_origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["CONTROL_PATH", "SECRET_HEADER", "control_routes"]

CONTROL_PATH = "/_emulator"
SECRET_HEADER = "X-Emulator-Secret"  # noqa: S105 - the header's name


def control_routes(world: World) -> list[Route]:
    async def fail(request: Request) -> Any:
        asked = await request.json()
        fault = world.fail(asked.pop("target"), **asked)
        return {"fault": id(fault)}

    async def heal(request: Request) -> Any:
        world.faults.heal((await request.json()).get("target"))

    async def advance(request: Request) -> Any:
        world.advance(float((await request.json())["seconds"]))

    async def answer(request: Request) -> Any:
        asked = await request.json()
        world.device_codes.answer(asked["user_code"], approve=bool(asked["approve"]))

    async def requests(_request: Request) -> Any:
        return [record.as_dict() for record in world.log.snapshot()]

    async def stats(_request: Request) -> Any:
        counts: dict[str, int] = {}
        for record in world.log.snapshot():
            counts[record.grant or record.target] = counts.get(record.grant or record.target, 0) + 1
        return {"front": world.front.stats(), "requests": counts, "pending_codes": world.device_codes.pending()}

    async def front(_request: Request) -> Any:
        return [record.as_dict() for record in world.front.records]

    async def front_switches(request: Request) -> Any:
        world.front.switch(**await request.json())

    def route(name: str, endpoint: Callable[[Request], Awaitable[Any]], method: str) -> Route:
        return Route(f"{CONTROL_PATH}/{name}", _guarded(world, endpoint), methods=[method])

    return [
        route("fail", fail, "POST"),
        route("heal", heal, "POST"),
        route("advance", advance, "POST"),
        route("answer", answer, "POST"),
        route("requests", requests, "GET"),
        route("stats", stats, "GET"),
        route("front", front, "GET"),
        route("front", front_switches, "POST"),
    ]


def _guarded(world: World, endpoint: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not is_same_origin(request) or not secrets.compare_digest(given.encode(), world.control_secret.encode()):
            return JSONResponse({"error": "forbidden"}, status_code=403)
        try:
            return JSONResponse(await endpoint(request))
        except (LookupError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return guarded
