"""Verifies the token of every call to the h2oGPTe front: signature, audience, issuer and time, without leeway."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import jwt
from starlette.websockets import WebSocket

from .front_ledger import FrontRecord
from .front_refusal import refusal, refused_upgrade
from .signing import digest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .world import World

__all__ = ["UNAUTHENTICATED", "FrontAuth", "noted", "target_of"]

UNAUTHENTICATED = frozenset({"/api/v1/auth/session/capabilities", "/api/v1/auth/session"})
_log = logging.getLogger("entra_tokens.emulator")
_KINDS = {
    "/ws": "h2ogpte_ws",
    "/rpc/stream": "h2ogpte_stream",
    **dict.fromkeys(UNAUTHENTICATED, "h2ogpte_session"),
}


def target_of(path: str) -> str:
    """What `fail()` calls this path of the front."""
    return _KINDS.get(path) or ("h2ogpte_rest" if path.startswith("/api/") else "h2ogpte_rpc")


def noted(world: World, scope: Scope, target: str, fault: str) -> FrontRecord | None:
    """Put a call on the record, before anything is done about it, unless it is one that carries no token.

    Args:
        fault: The fault that answers it; empty: none.
    """
    if scope["path"] in UNAUTHENTICATED:
        return None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    record = FrontRecord(
        path=scope["path"],
        method="WEBSOCKET" if scope["type"] == "websocket" else scope["method"],
        kind=target,
        scheme=scheme,
        token_digest=digest(token),
        session_id=headers.get("session-id", ""),
        user_agent=headers.get("user-agent", ""),
        connection=scope["state"].get("connection", 0),
        time=world.clock.now(),
        fault=fault,
    )
    scope["state"].update(front_record=record, front_token=token)
    world.front.arrived(record)
    return record


class FrontAuth:
    """Lets verified calls through and answers the others with 401."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world
        self._owners: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in UNAUTHENTICATED:
            await self._app(scope, receive, send)
            return
        record: FrontRecord = scope["state"]["front_record"]
        reason, expires_on = self._verified(record, scope["state"].pop("front_token"))
        self._world.front.judged(record, reason)

        if not reason:
            scope["state"]["token_expires_on"] = expires_on
            await self._app(scope, receive, send)
            return
        _log.warning(
            "%s %s: 401, %s; expected Authorization: %s with a token for %s",
            record.method,
            record.path,
            reason,
            " or ".join(sorted(self._world.front.schemes)) or "nothing: no scheme is taken",
            self._world.directory.h2ogpte_scope,
        )
        response = refusal(self._world.front, reason)
        if scope["type"] == "websocket":
            await refused_upgrade(response, WebSocket(scope, receive, send))
        else:
            await response(scope, receive, send)

    def _verified(self, record: FrontRecord, token: str) -> tuple[str, float]:
        """Why the call is refused (empty: it is not), and when its token ends."""
        world = self._world
        if not record.scheme:
            return "no Authorization header", 0.0
        if record.scheme not in world.front.schemes:
            return f"the scheme {record.scheme[:20]} is not accepted here", 0.0
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
        return self._session_refused(record, str(claims.get("oid", ""))), float(claims["exp"])

    def _session_refused(self, record: FrontRecord, identity: str) -> str:
        """Why its `Session-Id` is refused; empty: it is not."""
        front = self._world.front
        if not record.session_id:
            if front.sockets_need_session_id and record.method == "WEBSOCKET" and record.scheme == "Bearer-AD":
                return "an upgrade under Bearer-AD needs a Session-Id"
            return ""
        if front.session_ids == "free":
            return ""
        owner = identity if front.session_ids == "identity" else record.token_digest
        # One key for each way of tying: the switch may be moved.
        if self._owners.setdefault(f"{front.session_ids} {record.session_id}", owner) != owner:
            return f"the Session-Id belongs to another {front.session_ids}"
        return ""
