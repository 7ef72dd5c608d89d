"""Verifies the token of every call to the h2oGPTe front: signature, audience, issuer and time, without leeway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.websockets import WebSocket

from .front_ledger import FrontRecord
from .signing import digest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .world import World

__all__ = ["UNAUTHENTICATED", "FrontAuth", "refusal"]

UNAUTHENTICATED = frozenset({"/api/v1/auth/session/capabilities", "/api/v1/auth/session"})


class FrontAuth:
    """Lets verified calls through and answers the others with 401."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in UNAUTHENTICATED:
            await self._app(scope, receive, send)
            return
        record, expires_on = self.checked(scope)
        self._world.front.add(record)
        if record.verified:
            scope["state"].update(front_record=record, token_expires_on=expires_on)
            await self._app(scope, receive, send)
            return
        response = refusal(self._world.front.refusal_body, record.reason)
        if scope["type"] == "websocket":
            await receive()
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)

    def checked(self, scope: Scope) -> tuple[FrontRecord, float]:
        """The record of this call, and when its token ends."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        reason, expires_on = self._verified(scheme, token)
        record = FrontRecord(
            path=scope["path"],
            method="WEBSOCKET" if scope["type"] == "websocket" else scope["method"],
            scheme=scheme,
            token_digest=digest(token),
            session_id=headers.get("session-id", ""),
            user_agent=headers.get("user-agent", ""),
            verified=not reason,
            reason=reason,
            time=self._world.clock.now(),
        )
        return record, expires_on

    def _verified(self, scheme: str, token: str) -> tuple[str, float]:
        world = self._world
        if not scheme:
            return "no Authorization header", 0.0
        if scheme not in world.front.schemes:
            return f"the scheme {scheme[:20]} is not accepted here", 0.0
        try:
            claims = world.issuer.signer.verified(
                token, audience=world.directory.h2ogpte_id, issuer=world.issuer.issuer
            )
        except jwt.InvalidTokenError as error:
            return f"{type(error).__name__}: {error}", 0.0
        if world.front.is_revoked(token):
            return "the token has been revoked", 0.0
        now = world.clock.now()
        if claims["nbf"] > now:
            return "the token is not valid yet", 0.0
        if claims["exp"] <= now:
            return "the token has expired", 0.0
        return "", float(claims["exp"])


def refusal(kind: str, reason: str) -> Response:
    """The front's 401: `json`, `html` or `empty`."""
    # The server closes after a refusal: websocket clients wait for that.
    headers = {"Connection": "close"}
    if kind == "html":
        page = "<html><body><h1>401 Authorization Required</h1></body></html>"
        return HTMLResponse(page, status_code=401, headers=headers)
    if kind == "empty":
        return Response(status_code=401, headers=headers)
    content = {"code": 401, "message": f"Unauthorized: {reason}", "error": f"Unauthorized: {reason}"}
    return JSONResponse(content, status_code=401, headers=headers)
