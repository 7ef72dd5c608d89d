"""What the fake `az` answers: `az account get-access-token`.

https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from .replies import fault_of, spoiled
from .tool_output import printed, said, tool_route
from .tools import at_least

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .tool_output import Problem
    from .world import World

__all__ = ["az_routes", "az_words"]

_SHORT = {"-t": "--tenant", "-s": "--subscription", "-n": "--subscription", "--name": "--subscription"}


def az_routes(world: World) -> list[Route]:
    def az(request: Request, arguments: list[str]) -> Response:
        tools, home = world.hosting.tools, world.directory
        if arguments[:2] != ["account", "get-access-token"]:
            return said(f"'{' '.join(arguments[:2])}' is misspelled or not recognized by the system.")
        options = {_SHORT.get(name, name): value for name, value in zip(arguments[2::2], arguments[3::2], strict=False)}
        if not tools.is_signed_in("az"):
            return said("Please run 'az login' to setup account.")
        tenant, subscription = options.get("--tenant"), options.get("--subscription")
        if tenant is not None and subscription is not None:
            return said("Please specify only one of subscription and tenant, not both")
        if subscription is not None and subscription.lower() not in (home.subscription_id, "emulator"):
            return said(f"Subscription '{subscription}' not found. Check the spelling and casing and try again.")
        if tenant is not None and not home.knows_tenant(tenant):
            return said(f"AADSTS90002: Tenant '{tenant}' not found.")
        resource = options.get("--resource") or options.get("--scope", "").removesuffix("/.default")
        fault = fault_of(request)
        token = world.issuer.for_user(
            resource or "https://management.core.windows.net/",
            "user_impersonation",
            expired=fault is not None and fault.kind == "expired",
        )
        content = {
            "accessToken": token.value,
            # Local time without a zone: for an hour each autumn it means two moments.
            "expiresOn": f"{datetime.fromtimestamp(token.expires_on):%Y-%m-%d %H:%M:%S.%f}",
            "expires_on": int(token.expires_on),
            "subscription": home.subscription_id,
            "tenant": tenant or home.tenant_id,
            "tokenType": "Bearer",
        }
        if not at_least(tools.az_version, "2.54.0"):
            del content["expires_on"]
        if tenant is not None:
            del content["subscription"]
        return printed(spoiled(request, content))

    return [tool_route("az", az, world)]


def az_words(problem: Problem) -> tuple[str, str]:
    """Standard output and standard error."""
    text = f"ERROR: {problem.message}\n"
    if problem.by_authority:
        text += "Interactive authentication is needed. Please run:\naz login\n"
    return "", text
