"""The front's 401 in its forms."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from .front_switches import FrontSwitches

__all__ = ["refusal", "refused_upgrade"]

_HTML = "<html><body><h1>401 Authorization Required</h1></body></html>"


def refusal(switches: FrontSwitches, reason: str) -> Response:
    """The 401 that these switches ask for."""
    # A server that closes after its refusal does websocket clients a favour: they wait for that.
    headers = {"Connection": "keep-alive" if switches.refusal_keeps_open else "close"}
    if switches.refusal_body == "html":
        return HTMLResponse(_HTML, status_code=401, headers=headers)
    if switches.refusal_body == "empty":
        return Response(status_code=401, headers=headers)
    content = {"code": 401, "message": f"Unauthorized: {reason}", "error": f"Unauthorized: {reason}"}
    return JSONResponse(content, status_code=401, headers=headers)


async def refused_upgrade(response: Response, websocket: WebSocket) -> None:
    """Answer an upgrade with this instead; where it says `keep-alive`, the connection is left to the client."""
    await websocket.receive()
    if response.headers.get("connection", "").lower() != "keep-alive":
        await websocket.send_denial_response(response)
        return
    # The protocol closes after a denial that goes through it.
    status = f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}".encode()
    lines = [status, *(name + b": " + value for name, value in response.raw_headers)]
    websocket.scope["state"]["front_record"].status = response.status_code
    websocket.scope["state"]["transport"].write(b"\r\n".join([*lines, b"", bytes(response.body)]))
    await websocket.receive()
