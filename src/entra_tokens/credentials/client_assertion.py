"""ClientAssertion: an application for which a provider that it trusts vouches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .msal_application import MsalApplication
from .proof import AssertionProof

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..authority.verify import Verify

__all__ = ["ClientAssertion"]


class ClientAssertion(MsalApplication[AssertionProof]):
    """Signs an application in with a client assertion: a JWT from another identity provider, or signed by yourself.

    The callable is asked at every acquisition, on the thread that acquires. Any number of threads may acquire at once.
    Pickles if the callable is a function of a module; another callable may hold a secret.

    Args:
        tenant_id: The tenant's id or one of its domains.
        client_id: The application's (client) id.
        assertion: Returns the assertion. An `EntraTokensError` that it raises goes on to the caller.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is sent at construction.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        assertion: Callable[[], str],
        *,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        super().__init__(
            "client_assertion",
            tenant_id,
            client_id,
            AssertionProof(assertion),
            authority=authority,
            verify=verify,
            proxy=proxy,
            timeout=timeout,
        )

    def _arguments(self) -> tuple[Any, ...]:
        return self.tenant_id, self.client_id, self._proof.assertion
