"""As much of an h2oGPTe server as the real clients need to be constructed, to list, and to chat."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from .front_auth import FrontAuth
from .front_ledger import FrontRecord

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    from .world import World

__all__ = ["front_app"]

_COLLECTION_ID = "00000000-0000-4000-8000-00000000c011"
_VERSION = "1.7.5"
_SWITCHES = (
    "show_private_button",
    "show_workers_status",
    "show_live_logs",
    "show_eval",
    "show_extractors",
    "public_mode",
)


def front_app(world: World) -> ASGIApp:
    """The front as an ASGI application."""
    sessions: dict[str, dict[str, Any]] = {}
    stamp = datetime.fromtimestamp(world.clock.now(), timezone.utc).isoformat()
    collections = [_collection(_COLLECTION_ID, "Emulated collection", "What the emulator knows", stamp)]

    async def meta(request: Request) -> Response:
        # Clients print a warning unless the server has their own version.
        version = request.headers.get("x-client-version") or _VERSION
        return JSONResponse(_meta(world, version))

    async def db(request: Request) -> Response:
        method, *_ = await request.json()
        answers: dict[str, Any] = {"list_collections": collections, "list_recent_collections": collections}
        if method not in answers:
            return JSONResponse({"error": f"the emulated front does not know rpc db {method!r}"}, status_code=404)
        return JSONResponse(answers[method])

    async def list_collections(request: Request) -> Response:
        offset = int(request.query_params.get("offset", "0"))
        limit = int(request.query_params.get("limit", "100"))
        return JSONResponse(collections[offset : offset + limit])

    async def create_collection(request: Request) -> Response:
        asked = await request.json()
        made = _collection(str(uuid.uuid4()), asked.get("name", ""), asked.get("description", ""), stamp)
        collections.append(made)
        return JSONResponse(made, status_code=201)

    async def count_collections(_request: Request) -> Response:
        return JSONResponse({"count": len(collections)})

    async def create_chat(request: Request) -> Response:
        made = {"id": str(uuid.uuid4()), "updated_at": stamp}
        if collection_id := request.query_params.get("collection_id"):
            made["collection_id"] = collection_id
        sessions[made["id"]] = made
        return JSONResponse(made, status_code=201)

    async def list_chats(_request: Request) -> Response:
        return JSONResponse(list(sessions.values()))

    async def count_chats(_request: Request) -> Response:
        return JSONResponse({"count": len(sessions)})

    async def delete_chat(request: Request) -> Response:
        sessions.pop(request.path_params["session_id"], None)
        return Response(status_code=204)

    async def capabilities(_request: Request) -> Response:
        if not world.front.cookie_sessions:
            return JSONResponse({"message": "Not Found"}, status_code=404)
        return JSONResponse({"session_endpoint": True})

    async def session(_request: Request) -> Response:
        world.front.leaked_refresh_tokens += 1
        return JSONResponse({"message": "Unauthorized"}, status_code=401)

    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                question = json.loads(await websocket.receive_text())
                _count_query(world, websocket)
                for line in _answers(question):
                    await websocket.send_text(json.dumps(line))
        except WebSocketDisconnect:
            return

    async def unknown(request: Request) -> Response:
        message = f"the emulated front does not serve {request.method} {request.url.path}"
        return JSONResponse({"message": message, "error": message, "code": 404}, status_code=404)

    api = "/api/v1"
    routes = [
        Route("/rpc/meta", meta, methods=["GET"]),
        Route("/rpc/db", db, methods=["POST"]),
        Route(f"{api}/auth/session/capabilities", capabilities, methods=["GET"]),
        Route(f"{api}/auth/session", session, methods=["POST"]),
        Route(f"{api}/collections", list_collections, methods=["GET"]),
        Route(f"{api}/collections", create_collection, methods=["POST"]),
        Route(f"{api}/collections/all", list_collections, methods=["GET"]),
        Route(f"{api}/collections/count", count_collections, methods=["GET"]),
        Route(f"{api}/chats", create_chat, methods=["POST"]),
        Route(f"{api}/chats", list_chats, methods=["GET"]),
        Route(f"{api}/chats/count", count_chats, methods=["GET"]),
        Route(f"{api}/chats/{{session_id}}", delete_chat, methods=["DELETE"]),
        WebSocketRoute("/ws", chat),
        Route("/{path:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return FrontAuth(Starlette(routes=routes), world)


def _count_query(world: World, websocket: WebSocket) -> None:
    """A message on an open socket counts as a call: verified if the token of its upgrade lives."""
    opened: FrontRecord = websocket.scope["state"]["front_record"]
    alive = websocket.scope["state"]["token_expires_on"] > world.clock.now()
    # An open socket is not cut when its token ends; what a real server does then is not known.
    if alive:
        fields = {**opened.as_dict(), "method": "QUERY", "time": world.clock.now()}
        world.front.add(FrontRecord(**fields))


def _answers(question: dict[str, Any]) -> list[dict[str, Any]]:
    """The acknowledgement, a part, and the answer, as a chat socket sends them."""
    asked, answer = str(uuid.uuid4()), str(uuid.uuid4())
    session_id = question.get("session_id", "")
    body = f"You asked: {question.get('body', '')}"
    reply = {"session_id": session_id, "message_id": answer, "reply_to_id": asked, "error": ""}
    return [
        {
            "t": "cx",
            "session_id": session_id,
            "correlation_id": question.get("correlation_id", ""),
            "message_id": asked,
            "username": "emulator",
            "body": question.get("body", ""),
        },
        {"t": "cp", "body": body[:10], **reply},
        {"t": "ca", "body": body, **reply},
    ]


def _collection(identifier: str, name: str, description: str, stamp: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": name,
        "description": description,
        "embedding_model": "emulated",
        "document_count": 0,
        "document_size": 0,
        "created_at": stamp,
        "updated_at": stamp,
        "user_count": 1,
        "is_public": False,
        "username": "emulator",
        "sessions_count": 0,
        "status": "active",
    }


def _meta(world: World, version: str) -> dict[str, Any]:
    user = world.directory.user
    return {
        "version": version,
        "build": "entra-tokens emulator",
        "username": user.username,
        "user_id": user.object_id,
        "subject": user.object_id,
        "email": user.username,
        "is_guest": False,
        "license_expired": False,
        "license_expiry_date": "2099-01-01",
        "global_configs": [],
        "user_configs": [],
        "picture": None,
        "groups": [],
        "workspaces": [],
        "permissions": [],
        "ui_config": {
            "logo": "",
            "chat_logo": "",
            "primary_color": "",
            "chat_name": "emulator",
            "greeting": "",
            **dict.fromkeys(_SWITCHES, False),
        },
    }
