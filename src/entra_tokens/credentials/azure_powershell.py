"""AzurePowerShell: whoever is signed in with `Connect-AzAccount`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..authority.guard import guarded
from ..authority.options import checked_timeout
from ..engine.workers import importing
from ..errors import CredentialUnavailable
from ..request import checked_tenant_id
from .azure_command import token_by
from .command import profile
from .value import Value

if TYPE_CHECKING:
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
        with importing(loggers=True):
            from azure.identity import AzurePowerShellCredential

        def make() -> AzurePowerShellCredential:
            return AzurePowerShellCredential(
                tenant_id=self.tenant_id or "",
                additionally_allowed_tenants=["*"],  # the provider has decided
                process_timeout=self._timeout,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # annotated int, and handed to subprocess as it is
            )

        sign_in = "Connect-AzAccount"
        try:
            return token_by(make, request, name="PowerShell", sign_in=sign_in, timeout=self._timeout, who=repr(self))
        except CredentialUnavailable as error:
            if "not installed" not in error.message:
                raise
            missing = error.message
        raise CredentialUnavailable(f"{missing}. {_INSTALL}", anchor=_ANCHOR)

    def __repr__(self) -> str:
        return f"AzurePowerShell({'' if self.tenant_id is None else f'tenant_id={self.tenant_id!r}'})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.tenant_id, self._timeout)


def _rebuilt(tenant_id: str | None, timeout: float) -> AzurePowerShell:
    return AzurePowerShell(tenant_id=tenant_id, timeout=timeout)
