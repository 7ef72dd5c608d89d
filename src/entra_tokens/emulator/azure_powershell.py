"""What the fake `pwsh` answers: the one kind of script that credentials run, around `Get-AzAccessToken`.

https://learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from .replies import fault_of
from .tool_output import said, tool_route
from .tools import at_least

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from .tool_output import Problem
    from .world import World

__all__ = ["pwsh_routes", "pwsh_words"]

_RESOURCE = re.compile(r"'ResourceUrl'\s*=\s*'([^']*)'")
_TENANT = re.compile(r"\$tenantId\s*=\s*'([^']*)'")
_LEAST = re.compile(r"\$minimumVersion\s*=\s*'([\d.]+)'")
_MISSING = re.compile(r"if\s*\(!\s*\$m\)\s*\{\s*Write-Output\s+(\S+)")
_OUTPUT = re.compile(r'Write-Output\s+"([^"]*)"\s*$')


def pwsh_routes(world: World) -> list[Route]:
    def pwsh(request: Request, arguments: list[str]) -> Response:
        tools = world.hosting.tools
        script = _script(arguments)
        resource, output = _RESOURCE.search(script), _OUTPUT.search(script.rstrip())
        if resource is None or output is None or "Get-AzAccessToken" not in script:
            return said("The emulator's pwsh knows one kind of script: azure-identity's around Get-AzAccessToken.")
        if tools.scripts_blocked:
            return said("File Az.Accounts.psm1 cannot be loaded. AuthorizationManager check failed.")
        least, missing = _LEAST.search(script), _MISSING.search(script)
        version = tools.az_accounts_version
        if version is None or (least is not None and not at_least(version, least[1])):
            return PlainTextResponse(missing[1] + "\n" if missing else "")
        if not tools.is_signed_in("pwsh"):
            return said("Get-AzAccessToken: Run Connect-AzAccount to login.")
        tenant = _TENANT.search(script)
        if tenant is not None and tenant[1] and not world.directory.knows_tenant(tenant[1]):
            return said(f"Get-AzAccessToken: AADSTS90002: Tenant '{tenant[1]}' not found.")
        fault = fault_of(request)
        token = world.issuer.for_user(
            resource[1], "user_impersonation", expired=fault is not None and fault.kind == "expired"
        )
        text = output[1].replace("`n", "\n").replace("$($tokenValue)", token.value)
        return PlainTextResponse(text.replace("$($token.ExpiresOn.ToUnixTimeSeconds())", str(int(token.expires_on))))

    return [tool_route("pwsh", pwsh, world)]


def pwsh_words(problem: Problem) -> tuple[str, str]:
    """Standard output and standard error."""
    return "", problem.message + "\n"


def _script(arguments: list[str]) -> str:
    names = [argument.lower() for argument in arguments]
    if "-encodedcommand" not in names[:-1]:
        return ""
    try:
        return base64.b64decode(arguments[names.index("-encodedcommand") + 1]).decode("utf-16-le")
    except ValueError:
        return ""
