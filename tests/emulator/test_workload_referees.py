"""azure-identity and msal with the assertions of issuers outside Entra, all the way to a token."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import AzurePipelinesCredential, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.identity.aio import AzurePipelinesCredential as AsyncAzurePipelinesCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.identity.aio import WorkloadIdentityCredential as AsyncWorkloadIdentityCredential

from .places import SCOPE, at

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator


def trusting(e: Emulator) -> dict[str, Any]:
    return {"connection_verify": e.ca_file, "disable_instance_discovery": True}


def ask(credential: Any) -> str:
    with credential:
        token: str = credential.get_token(SCOPE).token
        return token


def ask_async(credential: Any) -> str:
    async def asked() -> str:
        async with credential:
            token: str = (await credential.get_token(SCOPE)).token
            return token

    return asyncio.run(asked())


def client_of(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    found: str = claims.get("azp") or claims["appid"]
    return found


def by_msal(e: Emulator, assertion: str) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = e.ca_file
        application = msal.ConfidentialClientApplication(
            e.client_id,
            client_credential={"client_assertion": lambda: assertion},
            authority=f"{e.authority}/{e.tenant_id}",
            instance_discovery=False,
            http_client=session,
        )
        answer: dict[str, Any] = application.acquire_token_for_client([SCOPE])
        return answer


def pipelines(kind: Any, e: Emulator, variables: dict[str, str]) -> Any:
    return kind(
        tenant_id=variables["AZURESUBSCRIPTION_TENANT_ID"],
        client_id=variables["AZURESUBSCRIPTION_CLIENT_ID"],
        service_connection_id=variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        system_access_token=variables["SYSTEM_ACCESSTOKEN"],
        **trusting(e),
    )


class TestKubernetes:
    def test_azure_identity(self, e: Emulator) -> None:
        with at(e, "workload_identity"):
            tokens = [ask(WorkloadIdentityCredential(**trusting(e))), ask(ManagedIdentityCredential(**trusting(e)))]
            tokens.append(ask_async(AsyncWorkloadIdentityCredential(**trusting(e))))
            tokens.append(ask_async(AsyncManagedIdentityCredential(**trusting(e))))
        assert {client_of(token) for token in tokens} == {e.client_id}

    def test_msal(self, e: Emulator) -> None:
        file = Path(e.environ("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"])
        assert client_of(by_msal(e, file.read_text())["access_token"]) == e.client_id
        assert client_of(by_msal(e, e.rotate_federated_token())["access_token"]) == e.client_id

    def test_one_that_is_not_rotated_runs_out(self, e: Emulator) -> None:
        e.environ("workload_identity")
        old = e.rotate_federated_token(300)
        e.advance(900)
        assert by_msal(e, old)["error_codes"] == [700024]
        assert "access_token" in by_msal(e, e.rotate_federated_token(300))

    @pytest.mark.parametrize(
        ("other", "code"), [({"subject": "system:serviceaccount:x:y"}, 700213), ({"audience": "api://x"}, 700212)]
    )
    def test_another_is_not_trusted(self, e: Emulator, other: dict[str, str], code: int) -> None:
        with at(e, "workload_identity"):
            e.rotate_federated_token(**other)  # type: ignore[arg-type]
            with pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}"):
                ask(WorkloadIdentityCredential(**trusting(e)))


class TestPipelines:
    def test_azure_identity(self, e: Emulator) -> None:
        with at(e, "azure_pipelines") as variables:
            tokens = [ask(pipelines(AzurePipelinesCredential, e, variables))]
            tokens.append(ask_async(pipelines(AsyncAzurePipelinesCredential, e, variables)))
        assert {client_of(token) for token in tokens} == {e.client_id}

    def test_a_redirect_is_no_token(self, e: Emulator) -> None:
        with at(e, "azure_pipelines") as variables:
            variables = {**variables, "SYSTEM_ACCESSTOKEN": "not mapped in"}
            with pytest.raises(ClientAuthenticationError):
                ask(pipelines(AzurePipelinesCredential, e, variables))


class TestGitHub:
    def test_msal(self, e: Emulator) -> None:
        """azure-identity has no credential for it: a callable, or msal's assertion, takes the token there."""
        with at(e, "github_actions") as variables, httpx.Client(trust_env=True) as http:
            assertion = http.get(
                variables["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=api://AzureADTokenExchange",
                headers={"Authorization": f"bearer {variables['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
            ).json()["value"]
        assert client_of(by_msal(e, assertion)["access_token"]) == e.client_id
        e.advance(900)
        assert by_msal(e, assertion)["error_codes"] == [700024]


class TestTokenProxy:
    """AKS identity bindings: what azure-identity does where it is told to use them."""

    def test_azure_identity(self, e: Emulator) -> None:
        with at(e, "workload_identity_proxy"):
            tokens = [ask(WorkloadIdentityCredential(enable_azure_proxy=True))]
            tokens.append(ask_async(AsyncWorkloadIdentityCredential(enable_azure_proxy=True)))
        assert {client_of(token) for token in tokens} == {e.client_id}
        assert [request.headers.get("via") for request in e.token_requests] == ["1.1 token-proxy"] * 2

    def test_past_the_proxy_its_token_is_worth_nothing(self, e: Emulator) -> None:
        with at(e, "workload_identity_proxy"), pytest.raises(ClientAuthenticationError, match="AADSTS700212"):
            ask(WorkloadIdentityCredential(**trusting(e)))

    def test_and_to_the_proxy_no_other(self, e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        with at(e, "workload_identity_proxy"):
            monkeypatch.setenv(
                "AZURE_FEDERATED_TOKEN_FILE", e.environ("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"]
            )
            with pytest.raises(ClientAuthenticationError, match="AADSTS700212"):
                ask(WorkloadIdentityCredential(enable_azure_proxy=True))

    @pytest.mark.parametrize("name", ["AZURE_KUBERNETES_SNI_NAME", "AZURE_KUBERNETES_CA_FILE"])
    def test_its_name_and_its_authority_are_needed(
        self, e: Emulator, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        with at(e, "workload_identity_proxy"):
            monkeypatch.delenv(name)
            with pytest.raises(ServiceRequestError, match="SSL"):
                ask(WorkloadIdentityCredential(enable_azure_proxy=True, retry_total=0))
        assert e.token_requests == []
