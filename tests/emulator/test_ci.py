"""GitHub Actions, Azure Pipelines and AKS: who the workload is, and how it says so."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AzurePipelinesCredential

from entra_tokens.emulator.outside_issuer import GITHUB, ISSUERS, KUBERNETES, PIPELINES

from .places import SCOPE, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

EXCHANGE = "api://AzureADTokenExchange"


@pytest.fixture
def http(e: Emulator) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=e.ca_file)
    with httpx.Client(verify=trust, trust_env=False, timeout=10) as client:
        yield client


def verified(http: httpx.Client, token: str, audience: str = EXCHANGE) -> dict[str, object]:
    """The claims, if the issuer that the token names publishes the key that it is signed with."""
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    document = http.get(f"{issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == issuer
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(http.get(document["jwks_uri"]).json()).keys}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, object] = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer)
    return claims


class TestGitHub:
    def ask(self, http: httpx.Client, e: Emulator, more: str = f"&audience={EXCHANGE}") -> httpx.Response:
        variables = e.environ("github_actions")
        headers = {"Authorization": f"bearer {variables['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        return http.get(variables["ACTIONS_ID_TOKEN_REQUEST_URL"] + more, headers=headers)

    def test_the_token(self, e: Emulator, http: httpx.Client) -> None:
        body = self.ask(http, e).json()
        assert set(body) == {"count", "value"}
        claims = verified(http, body["value"])
        assert claims["sub"] == ISSUERS[GITHUB]
        assert claims["exp"] == int(str(claims["iat"])) + 300
        assert (claims["repository"], claims["ref"]) == ("emulator/app", "refs/heads/main")

    def test_without_an_audience_it_is_the_owners(self, e: Emulator, http: httpx.Client) -> None:
        verified(http, self.ask(http, e, "").json()["value"], "https://github.com/emulator")

    def test_refusals(self, e: Emulator, http: httpx.Client) -> None:
        url = e.environ("github_actions")["ACTIONS_ID_TOKEN_REQUEST_URL"]
        right = e.environ("github_actions")["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
        for wrong in ("bearer wrong", "bearer", f"basic {right}"):
            assert http.get(url, headers={"Authorization": wrong}).status_code == 401
        e.fail("github_actions", status=500)
        assert self.ask(http, e).status_code == 500

    def test_one_that_has_expired(self, e: Emulator, http: httpx.Client) -> None:
        e.fail("github_actions", fault="expired")
        with pytest.raises(jwt.ExpiredSignatureError):
            verified(http, self.ask(http, e).json()["value"])

    def test_it_is_no_token_request(self, e: Emulator, http: httpx.Client) -> None:
        """What is counted there are tokens of Entra's."""
        self.ask(http, e)
        assert [record.target for record in e.requests] == ["github_actions"]
        assert e.token_requests == []


class TestPipelines:
    def ask(self, http: httpx.Client, e: Emulator, token: str | None = None, **more: str) -> httpx.Response:
        variables = e.environ("azure_pipelines")
        connection = variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"]
        return http.post(
            variables["SYSTEM_OIDCREQUESTURI"],
            params={"api-version": "7.1", "serviceConnectionId": connection, **more},
            headers={"Authorization": f"Bearer {token or variables['SYSTEM_ACCESSTOKEN']}"},
        )

    def test_the_token(self, e: Emulator, http: httpx.Client) -> None:
        body = self.ask(http, e).json()
        assert set(body) == {"oidcToken"}
        claims = verified(http, body["oidcToken"])
        assert claims["sub"] == ISSUERS[PIPELINES]
        assert claims["exp"] == int(str(claims["iat"])) + 600

    def test_a_stranger_is_sent_to_the_sign_in_page(self, e: Emulator, http: httpx.Client) -> None:
        response = self.ask(http, e, "wrong")
        assert (response.status_code, "_signin" in response.headers["location"]) == (302, True)

    def test_refusals(self, e: Emulator, http: httpx.Client) -> None:
        assert self.ask(http, e, **{"api-version": ""}).status_code == 400
        other = self.ask(http, e, serviceConnectionId="00000000-0000-4000-8000-000000000000")
        assert (other.status_code, other.json()["typeKey"]) == (404, "ServiceEndpointNotFoundException")
        assert http.get(e.environ("azure_pipelines")["SYSTEM_OIDCREQUESTURI"]).status_code == 405

    def test_azure_identity_asks_it(self, e: Emulator) -> None:
        with at(e, "azure_pipelines") as variables:
            credential = AzurePipelinesCredential(
                tenant_id=variables["AZURESUBSCRIPTION_TENANT_ID"],
                client_id=variables["AZURESUBSCRIPTION_CLIENT_ID"],
                service_connection_id=variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
                system_access_token="wrong",
                connection_verify=e.ca_file,
                disable_instance_discovery=True,
            )
            with credential, pytest.raises(ClientAuthenticationError, match="TF400813"):
                credential.get_token(SCOPE)
        assert [record.status for record in e.requests if record.target == "azure_pipelines"] == [401]


class TestKubernetes:
    def test_the_file(self, e: Emulator, http: httpx.Client) -> None:
        variables = e.environ("workload_identity")
        assert variables["AZURE_AUTHORITY_HOST"] == e.authority + "/"
        file = Path(variables["AZURE_FEDERATED_TOKEN_FILE"])
        claims = verified(http, file.read_text())
        assert claims["sub"] == ISSUERS[KUBERNETES]
        assert claims["exp"] == int(str(claims["iat"])) + 3600
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        e.stop()
        assert not file.exists()

    def test_it_is_rotated_in_place(self, e: Emulator, http: httpx.Client) -> None:
        file = Path(e.environ("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"])
        before = file.read_text()
        token = e.rotate_federated_token(600, subject="system:serviceaccount:other:one", audience="api://other")
        assert file.read_text() == token != before
        claims = verified(http, token, "api://other")
        assert (claims["sub"], claims["exp"]) == ("system:serviceaccount:other:one", int(str(claims["iat"])) + 600)
        assert os.listdir(file.parent).count(file.name) == 1
        assert e.environ("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"] == str(file)
        assert file.read_text() == token

    def test_one_that_has_expired(self, e: Emulator, http: httpx.Client) -> None:
        with pytest.raises(jwt.ExpiredSignatureError):
            verified(http, e.rotate_federated_token(-60))


def test_an_issuer_that_is_none(e: Emulator, http: httpx.Client) -> None:
    for path in ("keys", ".well-known/openid-configuration"):
        assert http.get(f"{e._world.hosting.secure_url}/outside/moon/{path}").status_code == 404
