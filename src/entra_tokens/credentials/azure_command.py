"""The commands that azure-identity runs for us: `az`, and PowerShell."""

from __future__ import annotations

from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

from ..acquiring import current
from ..authority.answers import to_token
from ..authority.failures import unavailable
from ..authority.quiet import quiet_libraries
from .azure_errors import translated
from .command import SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import SupportsTokenInfo, TokenRequestOptions

    from ..errors import EntraTokensError
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["token_by"]

_ANCHOR = "command-line-tools"


def token_by(
    make: Callable[[], SupportsTokenInfo], request: TokenRequest, *, name: str, sign_in: str, timeout: float, who: str
) -> Token:
    """Get a token by the command.

    Args:
        make: Makes azure-identity's credential.
        request: What is wanted.
        name: The command's name, for messages.
        sign_in: What a person runs to sign in.
        timeout: Seconds that it was given.
        who: The credential, for messages.

    Raises:
        EntraTokensError: It gave none.
    """
    options: TokenRequestOptions = {}
    if request.tenant_id is not None:
        options["tenant_id"] = request.tenant_id
    if request.claims is not None:
        options["claims"] = request.claims
    asked_at = current().clock.wall()
    failure: EntraTokensError
    try:
        command = make()
        with quiet_libraries():
            info = command.get_token_info(*request.scopes, options=options)
    except Exception as error:
        if isinstance(error.__cause__, TimeoutExpired):
            why = f"{name} did not end within {timeout:g} s"
            failure = unavailable(who, why, step=SLOW, anchor=_ANCHOR)
        else:
            failure = translated(error, who=who, anchor=_ANCHOR, sign_in=sign_in)
    else:
        answer = {"access_token": info.token, "expires_in": info.expires_on - asked_at}
        return to_token(answer, request.scopes, asked_at=asked_at, who=who)
    raise failure
