"""The token proxy of AKS identity bindings: a host in the cluster that takes a pod's token in Entra's place.

Its certificate has an authority of its own, and names nothing but the server name that clients must ask for.
https://learn.microsoft.com/azure/aks/identity-bindings-concepts
"""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import jwt

from .federated_assertions import checked_federated
from .gateway import Gateway, Replayed
from .outside_issuer import AUDIENCE, BINDING_AUDIENCE, KUBERNETES
from .refusals import Refusal, refusal_for
from .registry import FederatedCredential
from .token_endpoint import token_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .world import World

__all__ = ["PROXY_PATH", "SERVER_NAME", "answers_to", "token_proxy_app"]

SERVER_NAME = "emulator.ests.aks"
PROXY_PATH = "/identity-bindings"  # some prefix: clients have to keep it
_VIA = (b"via", b"1.1 token-proxy")  # RFC 9110 §7.6.3: how the authority's records tell who brought it
_LIFETIME = 300


def answers_to(context: ssl.SSLContext, server_name: str) -> None:
    """Break off the handshake of a client that asks for another name, or for none."""

    def check(_connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name == server_name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = check


def token_proxy_app(world: World, authority: ASGIApp) -> ASGIApp:
    """The proxy before an authority."""
    return Gateway(_TokenProxy(world, authority), world, lambda _path: None)


class _TokenProxy:
    def __init__(self, world: World, authority: ASGIApp) -> None:
        self._world = world
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(PROXY_PATH)
        if path == scope["path"] or scope["method"] != "POST" or token_path(path)[1] != 2:
            await _answer(send, 404, {"error": "Not found"})
            return
        form = dict(parse_qsl(scope["state"]["body"].decode("utf-8", "replace"), keep_blank_values=True))
        try:
            form["client_assertion"] = self._exchanged(form)
        except Refusal as refusal:
            await _answer(send, refusal.status, refusal.body(self._world.clock.now()))
            return
        body = urlencode(form).encode()
        kept = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        headers = [*kept, (b"content-length", str(len(body)).encode()), _VIA]
        inner = {**scope, "path": path, "raw_path": path.encode(), "headers": headers, "state": dict(scope["state"])}
        await self._authority(inner, Replayed(body, receive), send)

    def _exchanged(self, form: dict[str, str]) -> str:
        """The assertion that Entra takes, for one that is meant for the proxy."""
        application = self._world.registry.application_of(form.get("client_id", ""))
        if application is None:
            return form.get("client_assertion", "")  # Entra says so
        try:
            assertion = form["client_assertion"]
            header = jwt.get_unverified_header(assertion)
            claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
            if not {"iss", "sub", "exp"} <= claims.keys():
                raise jwt.InvalidTokenError
        except (jwt.InvalidTokenError, KeyError):
            raise refusal_for(50027, expected="client_assertion: the service account's token") from None
        pods = self._world.hosting.outside[KUBERNETES]
        binding = FederatedCredential(pods.issuer, pods.subject, BINDING_AUDIENCE)
        bound = replace(application, federated_credentials=[binding])
        checked_federated(self._world, bound, assertion, header, claims)
        return pods.token(AUDIENCE, _LIFETIME)


async def _answer(send: Send, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
