"""The front's chat sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from .aim import asking_of_bearer
from .front_sockets import GOING_AWAY, FrontSocket
from .misbehave import cut

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from .faults import Fault
    from .front_ledger import FrontRecord
    from .world import World

__all__ = ["chat"]


async def chat(world: World, websocket: WebSocket) -> None:
    """Serve one socket, whose upgrade has been verified, until either side ends it."""
    front = world.front
    await websocket.accept()
    websocket.scope["state"]["front_record"].status = 101
    opened = FrontSocket(world.clock, websocket.scope["state"]["token_expires_on"], lambda: front.close_expired_sockets)
    front.sockets.add(opened)
    serving = asyncio.ensure_future(_serve(world, websocket, opened))
    ends: set[asyncio.Future[Any]] = {serving, opened.closing}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        front.sockets.discard(opened)
        serving.cancel()
        with contextlib.suppress(WebSocketDisconnect, asyncio.CancelledError):
            await serving
    if opened.closing.done():
        code, reason = opened.closing.result()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the client has left by itself
            await websocket.close(code, reason)


async def _serve(world: World, websocket: WebSocket, opened: FrontSocket) -> None:
    answered, asking = 0, asking_of_bearer(websocket.headers)
    while True:
        question = json.loads(await websocket.receive_text())
        record = _noted(world, websocket)
        met = world.faults.met_by("h2ogpte_query", asking)
        spoiled = [await _spoiled(fault, record, websocket, opened, question) for fault in met]
        if any(spoiled) or opened.closing.done():
            continue
        # An open socket answers on, whatever has become of its token, unless the switch closes it.
        if websocket.scope["state"]["token_expires_on"] > world.clock.now():
            world.front.judged(record, "")
        for line in _answers(question):
            await websocket.send_text(json.dumps(line))
        record.status = 200
        answered += 1
        if world.front.socket_answers is not None and answered >= world.front.socket_answers:
            opened.close(GOING_AWAY, "that was the last answer")


async def _spoiled(
    fault: Fault, record: FrontRecord, websocket: WebSocket, opened: FrontSocket, question: dict[str, Any]
) -> bool:
    """Do to a query what its fault says; whether it gets no answer for that."""
    if fault.kind == "hang":
        over = asyncio.Event()
        fault.when_healed(lambda: _set(over, opened.loop))
        await over.wait()
        return False
    record.fault = fault.name
    if fault.kind == "reset":
        cut(websocket.scope["state"]["transport"])
    elif fault.kind == "close":
        opened.close(GOING_AWAY, "a switch of the emulator's")
    else:
        error = fault.body if isinstance(fault.body, str) else f"{record.fault}, by a switch of the emulator's"
        await websocket.send_text(json.dumps(_error(question, error)))
    return True


def _set(event: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has been closed
        loop.call_soon_threadsafe(event.set)


def _noted(world: World, websocket: WebSocket) -> FrontRecord:
    """A record of a query, which comes with the token of the socket's upgrade."""
    upgrade: FrontRecord = websocket.scope["state"]["front_record"]
    now = world.clock.now()
    record = replace(upgrade, method="QUERY", kind="h2ogpte_query", time=now, verified=False, status=None)
    world.front.arrived(record)
    return record


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


def _error(question: dict[str, Any], error: str) -> dict[str, Any]:
    return {
        "t": "ce",
        "session_id": question.get("session_id", ""),
        "correlation_id": question.get("correlation_id", ""),
        "message_id": str(uuid.uuid4()),
        "reply_to_id": "",
        "body": "",
        "error": error,
    }
