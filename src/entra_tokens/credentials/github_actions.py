"""GitHubActions: a workflow that Entra trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..authority.ci_tokens import CiService, exchange_audience
from ..environment import read
from ..errors import CredentialUnavailable
from .ci import CiProof
from .msal_application import MsalApplication

if TYPE_CHECKING:
    from ..authority.verify import Verify
    from ..errors import EntraTokensError

__all__ = ["GitHubActions"]

_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_REMEDY = "Give the workflow or the job `permissions: id-token: write`."


class GitHubActions(MsalApplication[CiProof]):
    """Signs an application in with the ID token of a GitHub Actions job (workload identity federation).

    The ID token lives for minutes and is asked for anew at every acquisition, for the audience of the authority's
    cloud. `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN` are read at construction. Any number of threads may acquire at
    once. Pickles; the other side reads its own environment.

    Args:
        tenant_id: The tenant's id or one of its domains.
        client_id: The application's (client) id; it needs a federated credential for the workflow.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust, at both services: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system),
            False, a CA file, or an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for a whole request; an acquisition makes two. Default 10.

    Raises:
        ConfigurationError: A value, or the address in the environment, cannot be right. Nothing is sent at
            construction.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        url, access_token = read(_URL), read(_TOKEN)
        service: CiService | EntraTokensError
        if url and access_token:
            service = CiService.at(url, variable=_URL, remedy=_REMEDY, verify=verify, proxy=proxy, timeout=timeout)
        else:
            missing = _TOKEN if url else _URL
            service = CredentialUnavailable(f"GitHubActions: {missing} is not set. {_REMEDY}", anchor="pipelines")
        super().__init__(
            "github_actions",
            tenant_id,
            client_id,
            CiProof(service, access_token, self._ask),
            authority=authority,
            verify=verify,
            proxy=proxy,
            timeout=timeout,
        )

    def _ask(self, service: CiService, access_token: str) -> str:
        audience = quote(exchange_audience(self.authority), safe="")
        return service.token("value", access_token, query=f"audience={audience}", who=repr(self))

    def _arguments(self) -> tuple[Any, ...]:
        return self.tenant_id, self.client_id
