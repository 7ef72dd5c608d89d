"""Instance discovery, OpenID Connect discovery (v1 and v2) and the key set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.routing import Route

from .refusals import refusal_for
from .replies import fault_of, json_reply, refused, spoiled

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["ALIASES", "discovery_routes"]

# Names that stand for "the person's own tenant".
ALIASES = frozenset({"common", "organizations", "consumers"})


def discovery_routes(world: World) -> list[Route]:
    """The documents that a client reads before it asks for a token."""
    host = urlsplit(world.authority).netloc

    async def instance(request: Request) -> Response:
        endpoint = request.query_params.get("authorization_endpoint", "")
        parts = urlsplit(endpoint)
        tenant = parts.path.split("/")[1] if parts.path.count("/") > 1 else ""
        if parts.scheme != "https" or parts.netloc != host or not tenant:
            return refused(request, world, refusal_for(50049))
        content = {
            "tenant_discovery_endpoint": f"{world.authority}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": request.query_params.get("api-version", "1.1"),
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
        return json_reply(request, world, spoiled(request, content), public=True)

    async def document(request: Request, *, version: str) -> Response:
        tenant = request.path_params["tenant"]
        if not (tenant in ALIASES or world.directory.knows_tenant(tenant)):
            return refused(request, world, refusal_for("invalid_tenant", tenant=tenant))
        content = _document(world, tenant, version)
        if (fault := fault_of(request)) is not None and fault.kind == "foreign_endpoint":
            # Another origin, but one of this emulator's own: whoever follows it is seen there.
            content["token_endpoint"] = content["token_endpoint"].replace(world.authority, world.h2ogpte_url)
        return json_reply(request, world, spoiled(request, content), public=True)

    async def v2(request: Request) -> Response:
        return await document(request, version="v2.0")

    async def v1(request: Request) -> Response:
        return await document(request, version="v1.0")

    async def keys(request: Request) -> Response:
        return json_reply(request, world, world.issuer.signer.key_set(world.issuer.issuer), public=True)

    return [
        Route("/common/discovery/instance", instance, methods=["GET"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", v2, methods=["GET"]),
        Route("/{tenant}/.well-known/openid-configuration", v1, methods=["GET"]),
        Route("/{tenant}/discovery/v2.0/keys", keys, methods=["GET"]),
        Route("/{tenant}/discovery/keys", keys, methods=["GET"]),
    ]


def _document(world: World, tenant: str, version: str) -> dict[str, Any]:
    root = f"{world.authority}/{tenant}"
    oauth, keys = (f"{root}/oauth2/v2.0", f"{root}/discovery/v2.0/keys")
    if version == "v1.0":
        oauth, keys = (f"{root}/oauth2", f"{root}/discovery/keys")
    # On the shared names the real document has the literal text {tenantid} here.
    issuer = f"{world.authority}/{{tenantid}}/v2.0" if tenant in ALIASES else world.issuer.issuer
    return {
        "token_endpoint": f"{oauth}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": keys,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": False,
        "authorization_endpoint": f"{oauth}/authorize",
        "device_authorization_endpoint": f"{oauth}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{oauth}/logout",
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
        "tenant_region_scope": None if tenant in ALIASES else "WW",
        "cloud_instance_name": urlsplit(world.authority).netloc,
    }
