"""The token and device-code endpoints of Entra's v2 service."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.routing import Route

from .discovery import ALIASES
from .refusals import Refusal, refusal_for
from .replies import fault_of, json_reply, refused, spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["token_routes"]

_OIDC = frozenset({"openid", "profile", "email", "offline_access"})
_DEFAULT = "/.default"
_DEVICE_GRANTS = frozenset({"urn:ietf:params:oauth:grant-type:device_code", "device_code"})  # msal-node sends the short
_GRAPH = "https://graph.microsoft.com"


def token_routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        try:
            form = await _form(request)
            tenant = _checked_tenant(request, world)
            content = _TokenRequest(world, request, form, tenant).answered()
        except Refusal as refusal:
            return refused(request, world, refusal)
        return json_reply(request, world, spoiled(request, content))

    async def device_code(request: Request) -> Response:
        try:
            form = await _form(request)
            tenant = _checked_tenant(request, world)
            client_id = _needed(form, "client_id")
            _checked_client(world, client_id, tenant)
            scopes = _needed(form, "scope")
            _resource_of(scopes)
        except Refusal as refusal:
            return refused(request, world, refusal)
        codes = world.device_codes
        code = codes.issue(client_id, scopes)
        page = f"{world.authority}/device"
        content = {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": page,
            "expires_in": int(codes.lifetime),
            "interval": _whole(codes.interval),
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {code.user_code} to "
            "authenticate.",
        }
        return json_reply(request, world, spoiled(request, content))

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    return [
        Route("/{tenant}/oauth2/v2.0/token", token, methods=every),
        Route("/{tenant}/oauth2/v2.0/devicecode", device_code, methods=every),
    ]


class _TokenRequest:
    """One token request: which grant it is, and what is wrong with it."""

    def __init__(self, world: World, request: Request, form: dict[str, str], tenant: str) -> None:
        self._world = world
        self._form = form
        self._tenant = tenant
        fault = fault_of(request)
        self._expired = fault is not None and fault.kind == "expired"
        basic_id, self._basic_secret = _basic(request)
        self._client_id = form.get("client_id") or basic_id

    def answered(self) -> dict[str, Any]:
        """The reply's fields, or a Refusal raised."""
        grant = _needed(self._form, "grant_type")
        if not self._client_id:
            raise refusal_for(900144, parameter="client_id")
        if grant == "client_credentials":
            return self._client_credentials()
        if grant in _DEVICE_GRANTS:
            return self._device_code()
        if grant == "refresh_token":
            return self._refresh_token()
        raise refusal_for(70003, grant=grant)

    def _client_credentials(self) -> dict[str, Any]:
        scope = _needed(self._form, "scope")
        _checked_client(self._world, self._client_id, self._tenant)
        secret = self._form.get("client_secret") or self._basic_secret
        if not secret:
            raise refusal_for(7000218)
        self._check_secret(secret)
        # Some clients put OpenID's scopes beside the resource's even when no user is there.
        names = [name for name in scope.split() if name not in _OIDC]
        if len(names) != 1 or not names[0].endswith(_DEFAULT) or names[0] == _DEFAULT:
            raise refusal_for(1002012, scope=scope)
        resource = names[0].removesuffix(_DEFAULT)
        issuer = self._world.issuer
        return issuer.reply(issuer.for_application(resource, expired=self._expired))

    def _device_code(self) -> dict[str, Any]:
        device_code = _needed(self._form, "device_code")
        _checked_client(self._world, self._client_id, self._tenant)
        if secret := self._form.get("client_secret"):
            self._check_secret(secret)
        polled = self._world.device_codes.poll(device_code, self._client_id)
        if isinstance(polled, str):
            raise refusal_for(polled)
        return self._for_user(polled.scopes)

    def _refresh_token(self) -> dict[str, Any]:
        token = _needed(self._form, "refresh_token")
        _checked_client(self._world, self._client_id, self._tenant)
        if secret := self._form.get("client_secret"):
            self._check_secret(secret)
        grant = self._world.refresh_tokens.find(token)
        if grant is None or grant.client_id != self._client_id:
            raise refusal_for(9002313)
        if grant.refused_with is not None:
            raise refusal_for(grant.refused_with, client_id=self._client_id, tenant=self._tenant)
        return self._for_user(self._form.get("scope") or grant.scopes, refreshed=True)

    def _for_user(self, scopes: str, *, refreshed: bool = False) -> dict[str, Any]:
        issuer = self._world.issuer
        resource, permissions = _resource_of(scopes)
        asked = set(scopes.split())
        token = issuer.for_user(resource, permissions, expired=self._expired)
        granted = f"{resource}/{permissions}" if resource != _GRAPH else permissions
        content: dict[str, Any] = {**issuer.reply(token), "scope": granted}
        if refreshed or "offline_access" in asked:
            content["refresh_token"] = self._world.refresh_tokens.issue(self._client_id, scopes)
        if "openid" in asked:
            content["id_token"] = issuer.id_token()
        if self._form.get("client_info") == "1":
            content["client_info"] = issuer.client_info()
        return content

    def _check_secret(self, secret: str) -> None:
        if secret != self._world.directory.client_secret:
            raise refusal_for(7000215, client_id=self._client_id)


async def _form(request: Request) -> dict[str, str]:
    if request.method != "POST":
        raise refusal_for(900561, method=request.method)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != "application/x-www-form-urlencoded":
        # The service reads no JSON: to it the first field is missing.
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _needed(form: dict[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise refusal_for(900144, parameter=name)
    return value


def _checked_tenant(request: Request, world: World) -> str:
    tenant: str = request.path_params["tenant"]
    if not (tenant in ALIASES or world.directory.knows_tenant(tenant)):
        raise refusal_for(90002, tenant=tenant)
    return tenant


def _checked_client(world: World, client_id: str, tenant: str) -> None:
    if client_id.lower() != world.directory.client_id:
        raise refusal_for(700016, client_id=client_id, tenant=tenant)


def _basic(request: Request) -> tuple[str, str]:
    """Client id and secret from HTTP Basic; both parts are form-encoded (RFC 6749 §2.3.1)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _resource_of(scopes: str) -> tuple[str, str]:
    """The one resource of a user's scopes and the permissions asked of it; a bare word means Graph.

    Raises:
        Refusal: `.default` beside other scopes, two resources, or a scope without a permission.
    """
    names = [name for name in scopes.split() if name not in _OIDC]
    if not names:
        return _GRAPH, "openid profile email"
    split = [name.rpartition("/") if "/" in name else (_GRAPH, "/", name) for name in names]
    resources = {resource for resource, _, _ in split}
    permissions = [permission for _, _, permission in split]
    if len(resources) != 1 or not all(permissions) or (".default" in permissions and len(permissions) > 1):
        raise refusal_for(70011, scope=scopes)
    resource = resources.pop()
    return resource, "access_as_user" if permissions == [".default"] else " ".join(permissions)


def _whole(seconds: float) -> float | int:
    return int(seconds) if float(seconds).is_integer() else seconds
