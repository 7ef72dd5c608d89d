"""What the fake `azd` answers: `azd auth token`.

https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from .replies import fault_of, spoiled
from .tool_output import printed, said, tool_route
from .tools import at_least

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .tool_output import Problem
    from .tools import Tools
    from .world import World

__all__ = ["azd_routes", "azd_words"]

_NOT_SIGNED_IN = "not logged in, run `azd auth login` to login"
_FLAGS = {"--no-prompt", "--debug"}
_TOKYO = timezone(timedelta(hours=9))


def azd_routes(world: World) -> list[Route]:
    def azd(request: Request, arguments: list[str]) -> Response:
        tools = world.hosting.tools
        if arguments[:2] != ["auth", "token"]:
            return said(f'unknown command "{" ".join(arguments[:2])}" for "azd"')
        options: dict[str, list[str]] = {}
        rest = iter(arguments[2:])
        for name in rest:
            if name not in _FLAGS:
                options.setdefault(name, []).append(next(rest, ""))
        if "--claims" in options and not at_least(tools.azd_version, "1.18.1"):
            return said("unknown flag: --claims")
        if not tools.is_signed_in("azd"):
            return said(_NOT_SIGNED_IN)
        tenant = options.get("--tenant-id", [world.directory.tenant_id])[-1]
        if not world.directory.knows_tenant(tenant):
            return said(f"fetching token: AADSTS90002: Tenant '{tenant}' not found.")
        scope = options.get("--scope", ["https://management.azure.com//.default"])[0]
        fault = fault_of(request)
        token = world.issuer.for_user(
            scope.removesuffix("/.default"),
            "user_impersonation",
            expired=fault is not None and fault.kind == "expired",
        )
        zone = _TOKYO if tools.azd_offset else timezone.utc
        ends = datetime.fromtimestamp(int(token.expires_on), zone).isoformat()
        content = {"token": token.value, "expiresOn": ends.replace("+00:00", "Z")}
        return printed(spoiled(request, content))

    return [tool_route("azd", azd, world)]


def azd_words(problem: Problem, tools: Tools) -> tuple[str, str]:
    """Standard output and standard error, in the form of this version's."""
    message = problem.message
    if problem.error:
        message = f"fetching token: failed to authenticate:\n({problem.error}) {message}"
    if at_least(tools.azd_version, "1.24.0"):
        suggestion = "Run `azd auth login` to sign in." if problem.by_authority else ""
        lines: list[dict[str, object]] = [{"error": message, "message": f"ERROR: {message}", "suggestion": suggestion}]
    elif at_least(tools.azd_version, "1.23.7"):
        lines = [_console(""), {"error": message}]
    else:
        lines = [_console(f"\nERROR: {message}\n")]
    return "", "".join(json.dumps(line) + "\n" for line in lines)


def _console(message: str) -> dict[str, object]:
    return {"type": "consoleMessage", "timestamp": "2026-01-01T00:00:00Z", "data": {"message": message}}
