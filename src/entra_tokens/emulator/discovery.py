"""Instance discovery, OpenID Connect discovery (v1 and v2) and the key set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.routing import Route

from .refusals import Refusal, refusal_for
from .replies import fault_of, json_reply, refused, spoiled
from .token_call import checked_tenant

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .world import World

__all__ = ["discovery_routes"]


def discovery_routes(world: World) -> list[Route]:
    """The documents that a client reads before it asks for a token."""
    host = urlsplit(world.authority).netloc

    async def instance(request: Request) -> Response:
        endpoint = request.query_params.get("authorization_endpoint", "")
        parts = urlsplit(endpoint)
        tenant = parts.path.split("/")[1] if parts.path.count("/") > 1 else ""
        if parts.scheme != "https" or parts.netloc != host or not tenant:
            return refused(request, world, refusal_for(50049, expected=f"authorization_endpoint: at https://{host}"))
        content = {
            "tenant_discovery_endpoint": f"{world.authority}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": request.query_params.get("api-version", "1.1"),
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
        return json_reply(request, world, spoiled(request, content), public=True)

    async def document(request: Request, *, version: str) -> Response:
        tenant = request.path_params["tenant"]
        try:
            tenant_id = checked_tenant(world, tenant)
        except Refusal as refusal:
            return refused(request, world, refusal.named("invalid_tenant"))
        content = _document(world, tenant, tenant_id, version)
        if (fault := fault_of(request)) is not None and fault.kind == "foreign_endpoint":
            # Another origin, but one of this emulator's own: whoever follows it is seen there.
            content["token_endpoint"] = content["token_endpoint"].replace(world.authority, world.h2ogpte_url)
        return json_reply(request, world, spoiled(request, content), public=True)

    async def v2(request: Request) -> Response:
        return await document(request, version="v2.0")

    async def v1(request: Request) -> Response:
        return await document(request, version="v1.0")

    async def keys(request: Request) -> Response:
        try:
            tenant_id = checked_tenant(world, request.path_params["tenant"])
        except Refusal as refusal:
            return refused(request, world, refusal.named("invalid_tenant"))
        # The shared names' keys are for the tokens of every tenant.
        issuer = world.issuer.issuer_of(tenant_id or "{tenantid}")
        return json_reply(request, world, spoiled(request, world.issuer.signer.key_set(issuer)), public=True)

    return [
        Route("/common/discovery/instance", instance, methods=["GET"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", v2, methods=["GET"]),
        Route("/{tenant}/.well-known/openid-configuration", v1, methods=["GET"]),
        Route("/{tenant}/discovery/v2.0/keys", keys, methods=["GET"]),
        Route("/{tenant}/discovery/keys", keys, methods=["GET"]),
    ]


def _document(world: World, tenant: str, tenant_id: str | None, version: str) -> dict[str, Any]:
    host, root = urlsplit(world.authority).netloc, f"{world.authority}/{tenant_id or tenant}"
    is_v1 = version == "v1.0"
    oauth, keys = (f"{root}/oauth2", f"{root}/discovery/keys") if is_v1 else (f"{root}/oauth2/v2.0", "")
    document = {
        "token_endpoint": f"{oauth}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": keys or f"{root}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid"] if is_v1 else ["openid", "profile", "email", "offline_access"],
        # On the shared names the real document has the literal text {tenantid} here.
        "issuer": world.issuer.issuer_of(tenant_id or "{tenantid}", 1 if is_v1 else 2),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{world.authority}/oidc/userinfo",
        "authorization_endpoint": f"{oauth}/authorize",
        "device_authorization_endpoint": f"{oauth}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{oauth}/logout",
        "claims_supported": _CLAIMS,
        "kerberos_endpoint": f"{root}/kerberos",
        "tenant_region_scope": "WW" if tenant_id else None,
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
        "rbac_url": f"{world.authority}/rbac",
    }
    if is_v1:
        document["microsoft_multi_refresh_token"] = True
        document["check_session_iframe"] = f"{oauth}/checksession"
    return document


_CLAIMS = [
    *("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host"),
    *("aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver"),
    *("at_hash", "c_hash", "email"),
]
