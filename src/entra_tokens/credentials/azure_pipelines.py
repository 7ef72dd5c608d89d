"""AzurePipelines: a pipeline's service connection that Entra trusts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..authority.ci_tokens import CiService
from ..environment import read
from ..errors import ConfigurationError, CredentialUnavailable
from .ci import CiProof
from .msal_application import MsalApplication

if TYPE_CHECKING:
    from ..authority.verify import Verify
    from ..errors import EntraTokensError

__all__ = ["AzurePipelines"]

_URL, _TOKEN = "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"
_CONNECTION = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"  # set by the tasks AzureCLI@2 and AzurePowerShell@5
_REMEDY = (
    "Map the job's access token into the step (`env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`), and let the pipeline "
    "use the service connection."
)
_ID = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_API_VERSION = "7.1"  # https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create


class AzurePipelines(MsalApplication[CiProof]):
    """Signs an application in through an Azure Pipelines service connection (workload identity federation).

    The connection's token lives for minutes and is asked for anew at every acquisition. `SYSTEM_OIDCREQUESTURI` and
    `SYSTEM_ACCESSTOKEN` are read at construction. Any number of threads may acquire at once. Pickles, the other side
    reads its own environment; not where it was given the access token.

    Args:
        tenant_id: The tenant's id or one of its domains.
        client_id: The service connection's application (client) id.
        service_connection_id: The connection's id, as at the end of its page's address. Default:
            `AZURESUBSCRIPTION_SERVICE_CONNECTION_ID`, which Azure's own tasks set.
        system_access_token: The job's access token. Default: `SYSTEM_ACCESSTOKEN`, which has to be mapped in.
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
        service_connection_id: str | None = None,
        *,
        system_access_token: str | None = None,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        connection = read(_CONNECTION) if service_connection_id is None else service_connection_id
        if not isinstance(connection, str) or not _ID.fullmatch(connection):
            raise ConfigurationError("service_connection_id must be the id of a service connection (a GUID).")
        if system_access_token is not None and (
            not isinstance(system_access_token, str) or not system_access_token.strip()
        ):
            raise ConfigurationError(f"system_access_token is empty or not a str. {_REMEDY}")
        self.service_connection_id = connection
        url, access_token = read(_URL), system_access_token or read(_TOKEN)
        service: CiService | EntraTokensError
        if not url:
            service = CredentialUnavailable(
                f"AzurePipelines: {_URL} is not set, so this is not Azure Pipelines. Elsewhere use another credential.",
                anchor="pipelines",
            )
        elif not access_token:
            service = ConfigurationError(f"AzurePipelines: {_TOKEN} is not set. {_REMEDY}")
        else:
            service = CiService.at(url, variable=_URL, remedy=_REMEDY, verify=verify, proxy=proxy, timeout=timeout)
        super().__init__(
            "azure_pipelines",
            tenant_id,
            client_id,
            CiProof(service, access_token, self._ask, connection, pickles=system_access_token is None),
            authority=authority,
            verify=verify,
            proxy=proxy,
            timeout=timeout,
        )

    def _ask(self, service: CiService, access_token: str) -> str:
        query = f"api-version={_API_VERSION}&serviceConnectionId={self.service_connection_id}"
        # A 401 instead of a way to the sign-in page.
        headers = {"Content-Type": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}
        return service.token("oidcToken", access_token, query=query, method="POST", headers=headers, who=repr(self))

    def _arguments(self) -> tuple[Any, ...]:
        return self.tenant_id, self.client_id, self.service_connection_id
