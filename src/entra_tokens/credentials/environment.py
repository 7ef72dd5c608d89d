"""Environment: an application whose credentials stand in the `AZURE_*` variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..environment import read
from ..errors import CredentialUnavailable
from .client_certificate import ClientCertificate
from .client_secret import ClientSecret
from .value import Value, refuse_pickling

if TYPE_CHECKING:
    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["Environment"]

_NEEDED = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")


class Environment(Value):
    """Signs in with `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` or `AZURE_CLIENT_CERTIFICATE_PATH`.

    They are read at construction; the secret comes first, as with azure-identity. With a certificate,
    `AZURE_CLIENT_CERTIFICATE_PASSWORD` and `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN` count too.

    Any number of threads may acquire at once. Does not pickle while it holds a secret.

    Args:
        authority: As for `ClientSecret`.
        verify: As for `ClientSecret`.
        proxy: As for `ClientSecret`.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: A variable holds what cannot be right.
    """

    def __init__(
        self,
        *,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        values = {name: read(name) for name in _NEEDED}
        self._missing = [name for name, value in values.items() if not value]
        self._inner: ClientSecret | ClientCertificate | None = None
        certificate = read("AZURE_CLIENT_CERTIFICATE_PATH")
        names = values["AZURE_TENANT_ID"], values["AZURE_CLIENT_ID"]
        if not self._missing:
            self._inner = ClientSecret(
                *values.values(), authority=authority, verify=verify, proxy=proxy, timeout=timeout
            )
        elif certificate and all(names):
            self._inner = ClientCertificate(
                *names,
                certificate,
                password=read("AZURE_CLIENT_CERTIFICATE_PASSWORD") or None,
                send_chain=read("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN").lower() in ("1", "true"),
                authority=authority,
                verify=verify,
                proxy=proxy,
                timeout=timeout,
            )
        if certificate and "AZURE_CLIENT_SECRET" in self._missing:
            self._missing.remove("AZURE_CLIENT_SECRET")  # not needed
        self.tenant_id: str | None = values["AZURE_TENANT_ID"] or None

    @property
    def identity(self) -> tuple[str, ...]:
        """That of the credential which the variables make."""
        return ("environment", *self._missing) if self._inner is None else self._inner.identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """That of the credential which the variables make."""
        return self.identity if self._inner is None else self._inner.identity_under(key)

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            CredentialUnavailable: The variables are not all set.
            EntraTokensError: As for `ClientSecret` or `ClientCertificate`.
        """
        if self._inner is not None:
            return self._inner.acquire(request)
        raise CredentialUnavailable(
            f"Environment: {', '.join(self._missing)} not set. Set them, or use another credential.",
            anchor="the-environment",
        )

    def __repr__(self) -> str:
        return f"Environment({'unset' if self._inner is None else repr(self._inner)})"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        if self._inner is not None:
            raise refuse_pickling("Environment")
        return Environment, ()
