"""The unmodified libraries, against the emulator: what they accept is right."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from typing import TYPE_CHECKING, Any

import h2o_authn
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DeviceCodeCredential,
    ManagedIdentityCredential,
)
from azure.identity.aio import AzureCliCredential as AsyncAzureCliCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

    from .conftest import Caller


@pytest.fixture
def session(e: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False  # REQUESTS_CA_BUNDLE would win over the session's own
        made.verify = e.ca_file
        yield made


@pytest.fixture
def confidential(e: Emulator, session: requests.Session) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        e.client_id,
        client_credential=e.client_secret,
        authority=f"{e.authority}/{e.tenant_id}",
        instance_discovery=False,
        http_client=session,
    )


def azure_options(e: Emulator) -> dict[str, Any]:
    return {"authority": e.authority, "disable_instance_discovery": True, "connection_verify": e.ca_file}


class TestMsal:
    def test_client_credentials(self, e: Emulator, confidential: msal.ConfidentialClientApplication) -> None:
        answer = confidential.acquire_token_for_client([e.h2ogpte_scope])
        assert answer["access_token"].count(".") == 2
        assert [record.grant for record in e.requests] == [None, "client_credentials"]

    def test_wrong_secret(self, e: Emulator, session: requests.Session) -> None:
        application = msal.ConfidentialClientApplication(
            e.client_id,
            client_credential="wrong",
            authority=f"{e.authority}/{e.tenant_id}",
            instance_discovery=False,
            http_client=session,
        )
        answer = application.acquire_token_for_client([e.h2ogpte_scope])
        assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])

    @pytest.mark.parametrize("tenant", ["own", "organizations"])
    def test_device_code_then_refresh(self, e: Emulator, session: requests.Session, tenant: str) -> None:
        application = msal.PublicClientApplication(
            e.client_id,
            authority=f"{e.authority}/{e.tenant_id if tenant == 'own' else tenant}",
            instance_discovery=False,
            http_client=session,
        )
        flow = application.initiate_device_flow([e.h2ogpte_scope])
        e.approve(flow["user_code"])
        answer = application.acquire_token_by_device_flow(flow)
        assert answer["id_token_claims"]["preferred_username"] == e.directory.user.username
        (account,) = application.get_accounts()
        assert account["home_account_id"] == f"{e.directory.user.object_id}.{e.tenant_id}"
        again = application.acquire_token_silent([e.h2ogpte_scope], account, force_refresh=True)
        assert again["access_token"] != answer["access_token"]
        assert e.token_requests[-1].grant == "refresh_token"

    def test_a_declined_code(self, e: Emulator, session: requests.Session) -> None:
        application = msal.PublicClientApplication(
            e.client_id, authority=f"{e.authority}/{e.tenant_id}", instance_discovery=False, http_client=session
        )
        flow = application.initiate_device_flow([e.h2ogpte_scope])
        e.decline(flow["user_code"])
        assert application.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


class TestAzureIdentity:
    def test_client_secret(self, e: Emulator) -> None:
        with ClientSecretCredential(e.tenant_id, e.client_id, e.client_secret, **azure_options(e)) as credential:
            token = credential.get_token(e.h2ogpte_scope)
        assert abs(token.expires_on - e.now() - 3600) < 10

    def test_wrong_secret(self, e: Emulator) -> None:
        with (
            ClientSecretCredential(e.tenant_id, e.client_id, "wrong", **azure_options(e)) as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
        ):
            credential.get_token(e.h2ogpte_scope)

    def test_client_secret_async(self, e: Emulator) -> None:
        async def ask() -> float:
            async with AsyncClientSecretCredential(
                e.tenant_id, e.client_id, e.client_secret, **azure_options(e)
            ) as credential:
                return (await credential.get_token(e.h2ogpte_scope)).expires_on

        assert abs(asyncio.run(ask()) - e.now() - 3600) < 10

    def test_device_code(self, e: Emulator) -> None:
        def approve(_uri: str, user_code: str, _expires_on: object) -> None:
            e.approve(user_code)

        with DeviceCodeCredential(
            e.client_id, tenant_id=e.tenant_id, prompt_callback=approve, **azure_options(e)
        ) as credential:
            assert credential.get_token(e.h2ogpte_scope).token

    @pytest.mark.parametrize("place", ["imds", "app_service"])
    @pytest.mark.parametrize("named", [False, True])
    def test_managed_identity(self, e: Emulator, monkeypatch: pytest.MonkeyPatch, place: str, named: bool) -> None:
        for name, value in e.environ(place).items():
            monkeypatch.setenv(name, value)
        options = {"client_id": e.directory.assigned_identity.client_id} if named else {}
        with ManagedIdentityCredential(**options) as credential:
            assert credential.get_token("https://vault.azure.net/.default").token

        async def ask() -> str:
            async with AsyncManagedIdentityCredential(**options) as credential:
                return (await credential.get_token("https://vault.azure.net/.default")).token

        assert asyncio.run(ask())
        assert {record.target for record in e.token_requests} == {place}

    def test_an_identity_that_is_not_there(self, e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in e.environ("imds").items():
            monkeypatch.setenv(name, value)
        with (
            ManagedIdentityCredential(client_id="00000000-0000-4000-8000-000000000000") as credential,
            pytest.raises(CredentialUnavailableError),
        ):
            credential.get_token("https://vault.azure.net/.default")

    def test_azure_cli(self, e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", e.environ("azure_cli")["PATH"])
        assert shutil.which("az")
        token = AzureCliCredential().get_token(e.h2ogpte_scope)
        assert abs(token.expires_on - e.now() - 3600) < 10

        async def ask() -> str:
            async with AsyncAzureCliCredential() as credential:
                return (await credential.get_token(e.h2ogpte_scope)).token

        assert asyncio.run(ask()) != token.token
        assert [record.path for record in e.requests] == ["az", "az"]

    def test_azure_cli_that_fails(self, e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", e.environ("azure_cli")["PATH"])
        e.fail("az", error=50076)
        with pytest.raises(ClientAuthenticationError, match="AADSTS50076"):
            AzureCliCredential().get_token(e.h2ogpte_scope)


class TestH2oAuthn:
    def test_refresh_token(self, e: Emulator, caller: Caller) -> None:
        code = caller.device_code()
        e.approve(code["user_code"])
        refresh_token = caller.poll(code["device_code"]).json()["refresh_token"]

        def provider() -> h2o_authn.TokenProvider:
            return h2o_authn.TokenProvider(
                refresh_token=refresh_token,
                client_id=e.client_id,
                issuer_url=e.issuer,
                http_ssl_context=ssl.create_default_context(cafile=e.ca_file),
            )

        assert str(provider().token()).count(".") == 2
        e.revoke_refresh_tokens()
        with pytest.raises(h2o_authn.error.TokenEndpointError, match="invalid_grant"):
            provider().token()
