"""Turns an endpoint's answer, or a fault's, into what a command prints and how it ends."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from .managed_identity import form_of
from .tools import TOOL_HEADER, TOOL_PATHS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .world import World

__all__ = ["Problem", "ToolOutput", "Words", "printed", "said", "tool_route"]


class Problem(NamedTuple):
    """What went wrong, before a command has put it in its own words."""

    message: str
    error: str = ""
    """The OAuth name, if the authority refused."""

    @property
    def by_authority(self) -> bool:
        return "AADSTS" in self.message


Words = Callable[[Problem], tuple[str, str]]  # how a command says it: standard output and standard error


def printed(content: dict[str, Any]) -> Response:
    """An endpoint's answer: standard output, laid out as the real commands do (azure-identity's redaction needs it)."""
    return PlainTextResponse(json.dumps(content, indent=2) + "\n")


def said(message: str) -> Response:
    """An endpoint's refusal in these words."""
    return PlainTextResponse(message, status_code=400)


def tool_route(tool: str, endpoint: Callable[[Request, list[str]], Response], world: World) -> Route:
    """A command's address.

    Args:
        endpoint: Given the request and the arguments, answers with the standard output, or with `said(...)`.
    """

    async def answered(request: Request) -> Response:
        given = request.headers.get(TOOL_HEADER, "")
        if not secrets.compare_digest(given.encode(), world.hosting.tools.secret.encode()):
            return said(f"this is not the emulator's {tool}")
        arguments: list[str] = json.loads((await form_of(request))["arguments"])
        return endpoint(request, arguments)

    return Route(f"/_tool/{tool}", answered, methods=["POST"])


class ToolOutput:
    """Stands before everything, since faults answer for an endpoint without asking it.

    Args:
        words: Each command's.
    """

    def __init__(self, app: ASGIApp, words: dict[str, Words]) -> None:
        self._app = app
        self._words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tool = TOOL_PATHS.get(scope["path"]) if scope["type"] == "http" else None
        if tool is None:
            await self._app(scope, receive, send)
            return
        status, pieces = 0, list[bytes]()

        async def kept(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                pieces.append(bytes(message.get("body", b"")))

        await self._app(scope, receive, kept)
        if not status:
            return  # the client has left, or the connection was cut
        text = b"".join(pieces).decode(errors="replace")
        stdout, stderr = (text, "") if status == 200 else self._words[tool](_problem(status, text))
        content = {"stdout": stdout, "stderr": stderr, "code": int(status != 200)}
        await JSONResponse(content)(scope, receive, send)


def _problem(status: int, text: str) -> Problem:
    try:
        body: Any = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and "error_description" in body:
        return Problem(str(body["error_description"]), str(body.get("error", "")))
    return Problem(f"HTTP Error {status}" if text.startswith("<") or not text else text)
