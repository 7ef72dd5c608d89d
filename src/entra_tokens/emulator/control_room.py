"""The control room: the page at `/` of the control listener, and what its script calls.

It has a key of its own for each time that it is shown, because the control API's secret opens more than a page may
show: what arrived, client secrets included. Another site's page can neither read that key (it is not told the answer of
another origin) nor send it (nobody allows it the header).
"""

from __future__ import annotations

import secrets
from collections import deque
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from .control_room_faults import TARGET_OPTIONS, WHAT_OPTIONS, fault_arguments
from .control_room_state import room_state
from .device_page import is_same_origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["PAGE_KEY_HEADER", "control_room_routes"]

PAGE_KEY_HEADER = "X-Emulator-Page"
_PAGES = 100  # of more, the one that was opened first has to be loaded again
_LONGEST_ADVANCE = 366 * 86_400.0  # seconds


def control_room_routes(world: World) -> list[Route]:
    keys: deque[str] = deque(maxlen=_PAGES)

    async def show(_request: Request) -> Response:
        keys.append(secrets.token_urlsafe(24))
        return _page(world, keys[-1])

    async def state(_request: Request) -> Any:
        return room_state(world)

    async def fail(request: Request) -> Any:
        world.fail(**fault_arguments(await request.json()))

    async def heal(request: Request) -> Any:
        key = (await request.json()).get("key")
        for fault in world.faults.snapshot():
            if key is None or id(fault) == key:
                fault.heal()

    async def advance(request: Request) -> Any:
        seconds = float((await request.json())["seconds"])
        if not 0 <= seconds <= _LONGEST_ADVANCE:
            raise ValueError("time moves forward, and by a year at most")
        world.advance(seconds)

    async def expire(_request: Request) -> Any:
        world.advance(max(world.issuer.issued.last_expiry - world.clock.now() + 1, 0.0))

    def route(name: str, endpoint: Callable[[Request], Awaitable[Any]], method: str = "POST") -> Route:
        async def guarded(request: Request) -> Response:
            given = request.headers.get(PAGE_KEY_HEADER, "").encode()
            known = any(secrets.compare_digest(given, key.encode()) for key in list(keys))
            if not known or not is_same_origin(request):
                return JSONResponse({"error": "This page is not known here any more: load it again."}, 403)
            try:
                return JSONResponse(await endpoint(request), headers={"Cache-Control": "no-store"})
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return Route(f"/room/{name}", guarded, methods=[method])

    return [
        Route("/", show, methods=["GET"]),
        route("state", state, "GET"),
        route("fail", fail),
        route("heal", heal),
        route("advance", advance),
        route("expire", expire),
    ]


def _page(world: World, key: str) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    blanks = {
        "nonce": nonce,
        "key": key,
        "authority": escape(world.authority),
        "managed_identity": escape(world.managed_identity_url),
        "h2ogpte": escape(world.h2ogpte_url),
        "tenant_id": escape(world.directory.tenant_id),
        "client_id": escape(world.directory.client_id),
        "scope": escape(world.directory.h2ogpte_scope),
        "targets": TARGET_OPTIONS,
        "what": WHAT_OPTIONS,
    }
    whole = _template()
    for name, value in blanks.items():
        whole = whole.replace("{{" + name + "}}", value)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
        "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return HTMLResponse(whole, headers=headers)


@cache
def _template() -> str:
    pages = files("entra_tokens.emulator") / "pages"
    whole = (pages / "control_room.html").read_text(encoding="utf-8")
    for part in ("control_room.css", "control_room.js"):
        whole = whole.replace("{{" + part + "}}", (pages / part).read_text(encoding="utf-8"))
    return whole
