"""What every request passes before it reaches an endpoint: host check, record, latency, faults."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from .aim import asking_of, asking_of_bearer
from .faults import MANAGED_IDENTITY, TOOLS
from .misbehave import misbehave
from .records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .faults import Fault
    from .world import World

__all__ = ["Gateway", "Replayed", "is_local_host"]

_BODY_LIMIT = 1_000_000
_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SHORT_GRANTS = {
    "urn:ietf:params:oauth:grant-type:device_code": "device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "on_behalf_of",
}


def is_local_host(host: str) -> bool:
    """Whether a Host header names this machine: any other name that leads here is a rebinding attack."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name.lower() in _HOSTS


class Answered(Protocol):
    """A record that is told how the request was answered."""

    status: int | None


class Gateway:
    """Stands before one listener's endpoints.

    Args:
        target_of: The target that a path belongs to; None: not subject to faults and not recorded.
        noted: Keeps the record of a request in place of the log, and returns it if there is one. It is given the
            world, the scope, the target and the name of the fault that answers the request, or nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        world: World,
        target_of: Callable[[str], str | None],
        *,
        noted: Callable[[World, Scope, str, str], Answered | None] | None = None,
    ) -> None:
        self._app = app
        self._world = world
        self._target_of = target_of
        self._noted = noted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not is_local_host(headers.get("host", "")):
            await _answer(scope, send, 421, {"error": "this emulator answers for localhost only"})
            return
        target = self._target_of(scope["path"])
        record: Record | None = None
        answered: Answered | None = None
        if scope["type"] == "http":
            body = await _read(receive)
            if body is None:
                return
            receive = Replayed(body, receive)
            scope["state"].update(headers=headers, body=body)
            if target and self._noted is None:
                answered = record = self._record(scope, headers, body, target)
        met: list[Fault] = []
        if target:
            if self._world.latency:
                await asyncio.sleep(self._world.latency)
            if not self._world.faults.is_empty:
                met = self._met(target, scope, headers, record)
            if self._noted is not None:
                by = next((fault.name for fault in met if fault.answers), "")
                answered = self._noted(self._world, scope, target, by)

        async def watched(message: Message) -> None:
            if answered is not None and message["type"].endswith("http.response.start"):
                answered.status = message["status"]
            await send(message)

        await misbehave(met, self._app, scope, receive, watched, self._world)

    def _met(self, target: str, scope: Scope, headers: dict[str, str], record: Record | None) -> list[Fault]:
        if record is None:
            return self._world.faults.met_by(target, asking_of_bearer(headers))
        asking = asking_of(scope["path"], record.form, headers, record.grant, self._world.registry)
        scope["state"]["asking"] = asking
        return self._world.faults.met_by(target, asking)

    def _record(self, scope: Scope, headers: dict[str, str], body: bytes, target: str) -> Record:
        fields = body or scope["query_string"]
        form = dict(parse_qsl(fields.decode("utf-8", "replace"), keep_blank_values=True))
        grant = form.get("grant_type")
        if target in MANAGED_IDENTITY:
            grant = "managed_identity"
        elif target in TOOLS:
            grant = target
        record = Record(
            path=target if target in TOOLS else scope["path"],
            method=scope["method"],
            target=target,
            time=self._world.clock.now(),
            form=form,
            headers=headers,
            grant=_SHORT_GRANTS.get(grant, grant) if grant else None,
        )
        self._world.log.add(record)
        return record


class Replayed:
    """A request body that was read already, and whatever comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self.behind = receive

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self.behind()


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None if the client left or sent too much."""
    body = b""
    while len(body) <= _BODY_LIMIT:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
    return body[:_BODY_LIMIT]


async def _answer(scope: Scope, send: Send, status: int, content: dict[str, Any]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
