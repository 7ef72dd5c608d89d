"""AzureCli: whoever is signed in with `az login`."""

from __future__ import annotations

import os.path
import re
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any

from .. import environment
from ..authority.answers import to_token
from ..authority.failures import unavailable
from ..authority.guard import guarded
from ..authority.options import checked_timeout
from ..authority.quiet import quiet_libraries
from ..engine.workers import importing
from ..errors import ConfigurationError, CredentialUnavailable, EntraTokensError
from ..request import checked_tenant_id
from .azure_errors import translated
from .command import SLOW
from .value import Value

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions

    from ..request import TokenRequest
    from ..token import Token

__all__ = ["AzureCli"]

_ANCHOR = "command-line-tools"

_SUBSCRIPTION = re.compile(r"[A-Za-z0-9_. -]+", re.ASCII)  # azure-identity's alphabet
_NOT_BOTH = "'az' takes a tenant or a subscription, not both: leave one of them out."
_INSTALL = "Install the Azure CLI (https://aka.ms/azure-cli) and run 'az login'"


class AzureCli(Value):
    """Gets tokens from the Azure CLI, through azure-identity.

    One process for each acquisition, without a shell, in a fixed folder, with stdin closed. Who is signed in is part
    of the identity as of construction (the profile file and its time), so that `az login` as somebody else is noticed
    by the next credential made. Any number of threads may acquire at once. Pickles.

    Args:
        tenant_id: The tenant to ask; None: the CLI's own.
        subscription: Ask as the account of this subscription (id or name); not together with `tenant_id`.
        timeout: Seconds to wait for the command. Default 10.

    Raises:
        ConfigurationError: A value holds characters that have no place on a command line, or both are given.
    """

    def __init__(self, *, tenant_id: str | None = None, subscription: str | None = None, timeout: float = 10.0) -> None:
        self.tenant_id: str | None = None if tenant_id is None else checked_tenant_id(tenant_id)
        if subscription is not None and (
            not isinstance(subscription, str) or not _SUBSCRIPTION.fullmatch(subscription) or subscription[0] == "-"
        ):
            raise ConfigurationError(
                "subscription must be a subscription's id, or a name of letters, digits, '_', '-', '.' and spaces."
            )
        if tenant_id is not None and tenant_id.startswith("-"):
            raise ConfigurationError("tenant_id must not start with '-'.")
        if tenant_id is not None and subscription is not None:
            raise ConfigurationError(_NOT_BOTH)
        self._subscription = subscription
        self._timeout = checked_timeout(timeout)
        self._identity = ("azure_cli", tenant_id or "", subscription or "", *_profile())

    @property
    def identity(self) -> tuple[str, ...]:
        """Tenant, subscription, and the CLI's profile file with its time."""
        return self._identity

    def acquire(self, request: TokenRequest) -> Token:
        """Run `az account get-access-token`.

        Raises:
            CredentialUnavailable: There is no `az`, or nobody is signed in.
            AuthenticationFailed: The authority refused; often a person has to run `az login` again.
            AuthorityUnavailable: The command did not end in time, or the authority could not be reached.
            ConfigurationError: More than one scope, or a tenant beside a subscription.
        """
        _ = request.resource  # exactly one
        if request.tenant_id is not None and self._subscription is not None:
            raise ConfigurationError(_NOT_BOTH)
        return guarded(lambda: self._acquire(request), who=repr(self))

    def _acquire(self, request: TokenRequest) -> Token:
        from ..acquiring import current

        with importing():
            from azure.identity import AzureCliCredential

        options: TokenRequestOptions = {}
        if request.tenant_id is not None:
            options["tenant_id"] = request.tenant_id
        if request.claims is not None:
            options["claims"] = request.claims
        asked_at = current().clock.wall()
        failure: EntraTokensError
        try:
            az = AzureCliCredential(
                tenant_id=self.tenant_id or "",
                subscription=self._subscription,
                additionally_allowed_tenants=["*"],  # the provider has decided
                process_timeout=self._timeout,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # annotated int, and handed to subprocess as it is
            )
            with quiet_libraries():
                info = az.get_token_info(*request.scopes, options=options)
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
                f"'az' did not end within {self._timeout:g} s",
                step=SLOW,
                anchor=_ANCHOR,
            )
        ours = translated(error, who=repr(self), anchor=_ANCHOR, sign_in="az login")
        if isinstance(ours, CredentialUnavailable) and "not found" in ours.message:
            return CredentialUnavailable(f"{self!r}: there is no 'az' on PATH. {_INSTALL}.", anchor=_ANCHOR)
        return ours

    def __repr__(self) -> str:
        given = {"tenant_id": self.tenant_id, "subscription": self._subscription}
        return f"AzureCli({', '.join(f'{name}={value!r}' for name, value in given.items() if value is not None)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.tenant_id, self._subscription, self._timeout)


def _rebuilt(tenant_id: str | None, subscription: str | None, timeout: float) -> AzureCli:
    return AzureCli(tenant_id=tenant_id, subscription=subscription, timeout=timeout)


def _profile() -> tuple[str, str]:
    """The CLI's profile file and its time: `az login` and `az account set` write it."""
    folder = environment.read("AZURE_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".azure")
    path = os.path.join(folder, "azureProfile.json")
    try:
        return path, str(os.stat(path).st_mtime_ns)
    except OSError:
        return path, ""
