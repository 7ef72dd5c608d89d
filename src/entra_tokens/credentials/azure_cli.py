"""AzureCli: whoever is signed in with `az login`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..authority.guard import guarded
from ..authority.options import checked_timeout
from ..engine.workers import importing
from ..errors import ConfigurationError, CredentialUnavailable
from ..request import checked_tenant_id
from .azure_command import token_by
from .command import profile
from .value import Value

if TYPE_CHECKING:
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
        self._identity = (
            "azure_cli",
            tenant_id or "",
            subscription or "",
            *profile("AZURE_CONFIG_DIR", ".azure", "azureProfile.json"),
        )

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
        with importing(loggers=True):
            from azure.identity import AzureCliCredential

        def make() -> AzureCliCredential:
            return AzureCliCredential(
                tenant_id=self.tenant_id or "",
                subscription=self._subscription,
                additionally_allowed_tenants=["*"],  # the provider has decided
                process_timeout=self._timeout,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # annotated int, and handed to subprocess as it is
            )

        try:
            return token_by(make, request, name="'az'", sign_in="az login", timeout=self._timeout, who=repr(self))
        except CredentialUnavailable as error:
            if "not found" not in error.message:
                raise
        raise CredentialUnavailable(f"{self!r}: there is no 'az' on PATH. {_INSTALL}.", anchor=_ANCHOR)

    def __repr__(self) -> str:
        given = {"tenant_id": self.tenant_id, "subscription": self._subscription}
        return f"AzureCli({', '.join(f'{name}={value!r}' for name, value in given.items() if value is not None)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.tenant_id, self._subscription, self._timeout)


def _rebuilt(tenant_id: str | None, subscription: str | None, timeout: float) -> AzureCli:
    return AzureCli(tenant_id=tenant_id, subscription=subscription, timeout=timeout)
