"""As much of an h2oGPTe server as the real clients need to be constructed, to list, to upload, and to chat."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from .front_auth import FrontAuth
from .front_chat import chat
from .front_documents import document_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    from .world import World

__all__ = ["front_app"]

_COLLECTION_ID = "00000000-0000-4000-8000-00000000c011"
_VERSION = "1.7.5"
_log = logging.getLogger("entra_tokens.emulator")
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
            problem = f"the emulated front does not know rpc db {method!r}"
            _log.warning("%s; expected one of %s", problem, ", ".join(answers))
            return JSONResponse({"error": problem}, status_code=404)
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

    async def socket(websocket: WebSocket) -> None:
        await chat(world, websocket)

    async def lang(request: Request) -> Response:
        asked = await request.json()
        return JSONResponse({"result": {"content": f"You asked: {asked.get('method', '')}"}})

    async def stream(request: Request) -> Response:
        asked = (await request.body()).decode("utf-8", "replace")

        async def parts() -> AsyncIterator[str]:
            for number in range(3):
                yield json.dumps({"part": number, "of": 3, "asked": asked[:80]}) + "\n"

        return StreamingResponse(parts(), media_type="application/x-ndjson")

    async def answer_question(request: Request) -> Response:
        return JSONResponse(_answer((await request.json()).get("question", "")))

    async def unknown(request: Request) -> Response:
        message = f"the emulated front does not serve {request.method} {request.url.path}"
        _log.warning("%s; expected a path of its own: %s", message, ", ".join(sorted(served)))
        return JSONResponse({"message": message, "error": message, "code": 404}, status_code=404)

    api = "/api/v1"
    routes: list[Route | WebSocketRoute] = [
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
        Route("/rpc/lang", lang, methods=["POST"]),
        Route("/rpc/stream", stream, methods=["POST"]),
        Route(f"{api}/models/{{name}}/answer_question", answer_question, methods=["POST"]),
        *document_routes(world.front.jobs, stamp),
        WebSocketRoute("/ws", socket),
        Route("/{path:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    served = {route.path for route in routes[:-1]}
    return FrontAuth(Starlette(routes=routes), world)


def _answer(question: str) -> dict[str, Any]:
    return {
        "response": f"You asked: {question}",
        "error": "",
        "num_prompt_tokens": 1,
        "num_output_tokens": 1,
        "prompt_raw": question,
        "llm": "emulated",
        "content": f"You asked: {question}",
    }


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
