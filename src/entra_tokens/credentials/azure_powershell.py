"""AzurePowerShell: whoever is signed in with `Connect-AzAccount`."""

from __future__ import annotations

from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any

from ..acquiring import current
from ..authority.answers import to_token
from ..authority.failures import unavailable
from ..authority.guard import guarded
from ..authority.options import checked_timeout
from ..authority.quiet import quiet_libraries
from ..engine.workers import importing
from ..errors import CredentialUnavailable
from ..request import checked_tenant_id
from .azure_errors import translated
from .command import SLOW, profile
from .value import Value

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions

    from ..errors import EntraTokensError
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["AzurePowerShell"]

_ANCHOR = "command-line-tools"

_INSTALL = "Install PowerShell (https://aka.ms/powershell) and its module Az.Accounts, and run 'Connect-AzAccount'."


class AzurePowerShell(Value):
    """Gets tokens from Azure PowerShell (`Get-AzAccessToken`), through azure-identity.

    One process for each acquisition, with stdin closed. Who is signed in is part of the identity as of construction
    (the file of `Connect-AzAccount` and its time). Any number of threads may acquire at once. Pickles.

    Args:
        tenant_id: The tenant to ask; None: PowerShell's own.
        timeout: Seconds to wait for the command. Default 10; PowerShell can be slow to start.

    Raises:
        ConfigurationError: The tenant holds characters that have no place in a script.
    """

    def __init__(self, *, tenant_id: str | None = None, timeout: float = 10.0) -> None:
        self.tenant_id: str | None = None if tenant_id is None else checked_tenant_id(tenant_id)
        self._timeout = checked_timeout(timeout)
        self._identity = ("azure_powershell", tenant_id or "", *profile("", ".Azure", "AzureRmContext.json"))

    @property
    def identity(self) -> tuple[str, ...]:
        """Tenant, and PowerShell's sign-in file with its time."""
        return self._identity

    def acquire(self, request: TokenRequest) -> Token:
        """Run `Get-AzAccessToken`.

        Raises:
            CredentialUnavailable: There is no PowerShell or no Az.Accounts, nobody is signed in, or it failed in a way
                that azure-identity does not tell.
            AuthenticationFailed: Its output cannot be used.
            AuthorityUnavailable: The command did not end in time.
            ConfigurationError: More than one scope.
        """
        _ = request.resource  # exactly one
        return guarded(lambda: self._acquire(request), who=repr(self))

    def _acquire(self, request: TokenRequest) -> Token:
        with importing():
            from azure.identity import AzurePowerShellCredential

        options: TokenRequestOptions = {}
        if request.tenant_id is not None:
            options["tenant_id"] = request.tenant_id
        if request.claims is not None:
            options["claims"] = request.claims
        asked_at = current().clock.wall()
        failure: EntraTokensError
        try:
            pwsh = AzurePowerShellCredential(
                tenant_id=self.tenant_id or "",
                additionally_allowed_tenants=["*"],  # the provider has decided
                process_timeout=self._timeout,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # annotated int, and handed to subprocess as it is
            )
            with quiet_libraries():
                info = pwsh.get_token_info(*request.scopes, options=options)
        except Exception as error:
            failure = self._failure(error)
        else:
            answer = {"access_token": info.token, "expires_in": info.expires_on - asked_at}
            return to_token(answer, request.scopes, asked_at=asked_at, who=repr(self))
        raise failure

    def _failure(self, error: Exception) -> EntraTokensError:
        if isinstance(error.__cause__, TimeoutExpired):
            return unavailable(
                repr(self),
                f"PowerShell did not end within {self._timeout:g} s",
                step=SLOW,
                anchor=_ANCHOR,
            )
        ours = translated(error, who=repr(self), anchor=_ANCHOR, sign_in="Connect-AzAccount")
        if isinstance(ours, CredentialUnavailable) and "not installed" in ours.message:
            return CredentialUnavailable(f"{ours.message}. {_INSTALL}", anchor=_ANCHOR)
        return ours

    def __repr__(self) -> str:
        return f"AzurePowerShell({'' if self.tenant_id is None else f'tenant_id={self.tenant_id!r}'})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.tenant_id, self._timeout)


def _rebuilt(tenant_id: str | None, timeout: float) -> AzurePowerShell:
    return AzurePowerShell(tenant_id=tenant_id, timeout=timeout)
