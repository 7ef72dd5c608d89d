"""How Entra dresses its answers."""

from __future__ import annotations

import json
import logging
import uuid
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from .faults import Fault
    from .refusals import Refusal
    from .world import World

__all__ = ["fault_of", "json_reply", "log_answer", "log_refusal", "refused", "spoiled", "token_answer"]

_log = logging.getLogger("entra_tokens.emulator")
# What is part of a flow that goes as it should.
_USUAL = frozenset({"authorization_pending", "slow_down"})

_PRIVATE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1"}
_PUBLIC = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Fields = list[tuple[bytes, bytes]]
_TOKEN_FIELDS: Fields = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"no-store, no-cache"),
    (b"pragma", b"no-cache"),
    (b"expires", b"-1"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-ms-ests-server", b"entra-tokens emulator"),
]


@lru_cache(4)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


def token_answer(world: World, headers: Mapping[str, str], content: dict[str, Any]) -> tuple[Fields, bytes]:
    """Head and body of a good answer of the token endpoint: as `json_reply`, without all that costs time there."""
    body = _json(content).encode()
    fields = [
        *_TOKEN_FIELDS,
        (b"content-length", str(len(body)).encode()),
        (b"date", _date(int(world.clock.now()))),
        (b"x-ms-request-id", str(uuid.uuid4()).encode()),
    ]
    if headers.get("return-client-request-id", "").lower() == "true":
        fields.append((b"client-request-id", headers.get("client-request-id", "").encode("latin-1")))
    return fields, body


class _EntraJSON(JSONResponse):
    media_type = "application/json; charset=utf-8"


def json_reply(
    request: Request, world: World, content: Any, status: int = 200, *, public: bool = False
) -> JSONResponse:
    """A JSON answer with the service's headers; token answers may not be stored, discovery may for a day."""
    headers = {
        **(_PUBLIC if public else _PRIVATE),
        "Date": formatdate(world.clock.now(), usegmt=True),
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-ests-server": "entra-tokens emulator",
    }
    if request.headers.get("return-client-request-id", "").lower() == "true":
        headers["client-request-id"] = request.headers.get("client-request-id", "")
    return _EntraJSON(content, status_code=status, headers=headers)


def refused(request: Request, world: World, refusal: Refusal) -> JSONResponse:
    correlation = request.headers.get("client-request-id") or None
    log_refusal(request, refusal)
    return json_reply(request, world, refusal.body(world.clock.now(), correlation), refusal.status)


def log_refusal(request: Request, refusal: Refusal) -> None:
    """Say what was refused and what would have been taken; no secret is in either."""
    if refusal.error in _USUAL:
        return
    expected = f"; expected {refusal.expected}" if refusal.expected else ""
    _log.warning("%s %s: %s (%s)%s", request.method, request.url.path, refusal.error, refusal, expected)


def log_answer(request: Request, response: Response, expected: str) -> None:
    """Say what was answered to a request that could not be served, and what would have been taken instead."""
    words = bytes(response.body).decode("utf-8", "replace")[:300] or "nothing"
    _log.warning("%s %s: %s %s; expected %s", request.method, request.url.path, response.status_code, words, expected)


def fault_of(request: Request) -> Fault | None:
    """The fault that this endpoint has to spoil its own answer with."""
    fault: Fault | None = request.scope.get("state", {}).get("fault")
    return fault


def spoiled(request: Request, content: dict[str, Any]) -> dict[str, Any]:
    """The answer with the fault's fields put over it; None takes a field out."""
    fault = fault_of(request)
    if fault is None or fault.reply is None:
        return content
    merged = {**content, **fault.reply}
    return {name: value for name, value in merged.items() if value is not None}
