"""Acts on the faults that a request met: spoiled answers, and transports that fail under it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.websockets import WebSocket

from .aim import Asking
from .faults import CI, H2OGPTE, MANAGED_IDENTITY
from .front_refusal import refusal, refused_upgrade
from .refusals import Refusal, entra_time, refusal_for

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .faults import Fault
    from .world import World

__all__ = ["cut", "misbehave"]

_HOSTS = frozenset((*MANAGED_IDENTITY, *CI))
_DRIP_SECONDS = 0.25
_HUGE = 32 * 1024 * 1024
_HTML = "<!doctype html><html><head><title>Sign in to the network</title></head><body>Please sign in.</body></html>"


async def misbehave(met: list[Fault], app: ASGIApp, scope: Scope, receive: Receive, send: Send, world: World) -> None:
    """Answer as these faults have it; without one that answers, as the endpoint does."""
    for fault in met:
        if fault.kind == "hang":
            if not await _hang(fault, receive, scope):
                return
        elif fault.kind == "reset":
            cut(scope["state"]["transport"])
            await _until_gone(receive)
            return
        elif fault.kind == "close":
            scope["state"]["transport"].close()
            await _until_gone(receive)
            return
        elif fault.kind == "slow_drip":
            await _drip(fault, receive, send)
            return
        elif fault.kind == "huge":
            await _huge(send)
            return
        elif fault.kind in ("expired", "foreign_endpoint") or fault.reply is not None or _is_told_by_host(fault):
            # The endpoint itself spoils its answer: only it knows how.
            scope["state"]["fault"] = fault
        else:
            await _respond(fault, scope, receive, send, world)
            return
    await app(scope, receive, send)


def _is_told_by_host(fault: Fault) -> bool:
    """Whether the fault names a status and no more, and the hosts that meet it have their own words for that."""
    bare = fault.kind is None and fault.status is not None and fault.body is None and fault.error is None
    return bare and _HOSTS.issuperset(fault.targets)


def cut(transport: Any) -> None:
    """Drop a connection with a reset instead of a farewell."""
    # A TLS transport that has ended already has nothing left to ask or to abort, and says so by AttributeError.
    with contextlib.suppress(OSError, AttributeError):
        if (raw := transport.get_extra_info("socket")) is not None:
            # A linger time of nothing makes the kernel send RST (socket(7), SO_LINGER).
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(AttributeError):
        transport.abort()


async def _until_gone(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] in ("http.disconnect", "websocket.disconnect"):
            return


async def _hang(fault: Fault, receive: Receive, scope: Scope) -> bool:
    """Wait until the fault is over (True) or the client leaves (False)."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def healed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(over.set)

    fault.when_healed(healed)
    if scope["type"] == "websocket":
        # Its disconnection comes through the same queue as its messages, which must not be read ahead.
        await over.wait()
        return True
    waits = {asyncio.ensure_future(over.wait()), asyncio.ensure_future(_gone_after_body(receive))}
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return over.is_set()


async def _gone_after_body(receive: Receive) -> None:
    # The gateway has read the body, which `Replayed` keeps for the endpoint: wait on the connection itself.
    await _until_gone(getattr(receive, "behind", receive))


async def _drip(fault: Fault, receive: Receive, send: Send) -> None:
    """A good status line, then a byte now and then until healed or left."""
    gone = asyncio.ensure_future(_gone_after_body(receive))
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    sent = 0
    while not gone.done() and not fault.healed.is_set() and sent < 4095:
        await send({"type": "http.response.body", "body": b" " if sent else b"{", "more_body": True})
        sent += 1
        await asyncio.wait({gone}, timeout=_DRIP_SECONDS)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    with contextlib.suppress(Exception):
        await send({"type": "http.response.body", "body": b" " * (4096 - sent)})


async def _huge(send: Send) -> None:
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(_HUGE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    start, end, piece = b'{"access_token":"', b'"}', b"A" * 65536
    left = _HUGE - len(start) - len(end)
    await send({"type": "http.response.body", "body": start, "more_body": True})
    while left:
        await send({"type": "http.response.body", "body": piece[:left], "more_body": True})
        left -= min(left, len(piece))
    await send({"type": "http.response.body", "body": end})


async def _respond(fault: Fault, scope: Scope, receive: Receive, send: Send, world: World) -> None:
    if fault.status == 401 and fault.body is None and fault.error is None and set(fault.targets) <= set(H2OGPTE):
        response = refusal(world.front, "by a switch of the emulator's")
        response.headers.update(fault.headers)
    else:
        status, content, kind = _content(fault, world, scope["state"].get("asking", Asking()))
        response = Response(content, status_code=status, media_type=kind, headers=_headers(fault))
    if scope["type"] == "websocket":
        await refused_upgrade(response, WebSocket(scope, receive, send))
    else:
        await response(scope, receive, send)


def _headers(fault: Fault) -> dict[str, str]:
    if fault.kind == "throttled" and not any(name.lower() == "retry-after" for name in fault.headers):
        return {"Retry-After": "60", **fault.headers}
    return fault.headers


def _refusal(error: str | int, world: World, asking: Asking) -> Refusal:
    """The refusal with the names of the request that gets it."""
    me, now = world.directory, world.clock.now()
    refusal = refusal_for(
        error,
        client_id=asking.client_id or me.client_id,
        name=world.registry.application.name,
        tenant=min(asking.tenants, default=me.tenant_id),
        resource=asking.resource or me.h2ogpte_id,
        issued=entra_time(now - 86_400),
        valid_from=entra_time(now),
        # As if the client's clock were an hour late.
        now=entra_time(now),
        nbf=entra_time(now - 4200),
        exp=entra_time(now - 3600),
    )
    if refusal.code == 53003 and asking.is_app_only:
        return refusal.named("invalid_grant")
    return refusal


def _content(fault: Fault, world: World, asking: Asking) -> tuple[int, bytes, str]:
    json_type = "application/json; charset=utf-8"
    if fault.kind == "html":
        return fault.status or 200, _HTML.encode(), "text/html; charset=utf-8"
    if fault.kind == "bad_json":
        return fault.status or 200, b'{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0', json_type
    if fault.kind == "empty":
        return fault.status or 200, b"", json_type
    if fault.error is not None:
        refusal = _refusal(fault.error, world, asking)
        body: Any = {
            **refusal.body(world.clock.now(), asking.correlation_id),
            **(fault.body if isinstance(fault.body, dict) else {}),
        }
        return fault.status or refusal.status, json.dumps(body).encode(), json_type
    status = fault.status or (429 if fault.kind == "throttled" else 200)
    if isinstance(fault.body, dict):
        return status, json.dumps(fault.body).encode(), json_type
    if fault.body is not None:
        text = fault.body.encode() if isinstance(fault.body, str) else fault.body
        return status, text, "text/plain; charset=utf-8"
    # What the real service sends: plain text when it throttles, a page of HTML when a machine is down.
    if status == 429:
        return status, b"Too Many Requests", "text/plain; charset=utf-8"
    return status, f"<html><body><h2>HTTP Error {status}.</h2></body></html>".encode(), "text/html; charset=utf-8"
