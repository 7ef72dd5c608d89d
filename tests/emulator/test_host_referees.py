"""The unmodified azure-identity (both kinds) and msal at every managed-identity host: what they accept is right.

What they do not get right themselves is written down as well, so that an upgrade that changes it is noticed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ChainedTokenCredential, CredentialUnavailableError, ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

from entra_tokens.emulator.arc_keys import arc_folder

from .places import SCOPE, VAULT, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

ANYWHERE = ["imds", "app_service", "service_fabric", "azure_ml"]
# Service Fabric's configuration names the identity; Azure ML's host knows clientid only.
NAMED = [
    *[("imds", kind) for kind in ("client_id", "object_id", "resource_id")],
    *[("app_service", kind) for kind in ("client_id", "object_id", "resource_id")],
    ("azure_ml", "client_id"),
    ("app_service_2017", "client_id"),
]


def writable(folder: str) -> bool:
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.access(folder, os.W_OK)


needs_arc_folder = pytest.mark.skipif(
    not writable(str(arc_folder())), reason=f"azure-identity and msal read {arc_folder()} only: needs write access"
)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def by_azure(**options: Any) -> str:
    with ManagedIdentityCredential(**options) as credential:
        return credential.get_token(SCOPE).token


def by_azure_async(**options: Any) -> str:
    async def ask() -> str:
        async with AsyncManagedIdentityCredential(**options) as credential:
            return (await credential.get_token(SCOPE)).token

    return asyncio.run(ask())


def by_msal(session: requests.Session, **named: str) -> dict[str, Any]:
    identity = msal.UserAssignedManagedIdentity(**named) if named else msal.SystemAssignedManagedIdentity()
    answer: dict[str, Any] = msal.ManagedIdentityClient(identity, http_client=session).acquire_token_for_client(
        resource=VAULT
    )
    return answer


def whose(token: str) -> str:
    oid: str = jwt.decode(token, options={"verify_signature": False})["oid"]
    return oid


@pytest.mark.parametrize("place", ANYWHERE)
def test_the_system_assigned_identity(e: Emulator, session: requests.Session, place: str) -> None:
    with at(e, place):
        tokens = [by_azure(), by_azure_async(), by_msal(session)["access_token"]]
    assert {whose(token) for token in tokens} == {e.identities.system.object_id}
    assert [(record.target, record.status) for record in e.token_requests] == [(place, 200)] * 3


@pytest.mark.parametrize(("place", "kind"), NAMED)
def test_a_user_assigned_identity(e: Emulator, session: requests.Session, place: str, kind: str) -> None:
    mine = e.identities.assign()
    value = getattr(mine, kind)
    if place == "app_service_2017":  # msal turns its expires_on into a number, and a date is none
        e.hosts.app_service_2017_expires_on = "string"
    with at(e, place):
        options = {"client_id": value} if kind == "client_id" else {"identity_config": {kind: value}}
        tokens = [by_azure(**options), by_msal(session, **{kind: value})["access_token"]]
        if kind != "resource_id":
            tokens.append(by_azure_async(**options))
    assert {whose(token) for token in tokens} == {mine.object_id}


def test_asynchronously_a_resource_id_is_sent_under_a_name_that_no_host_knows(e: Emulator) -> None:
    (mine,) = e.identities.user_assigned
    with at(e, "imds"):
        assert whose(by_azure_async(identity_config={"resource_id": mine.resource_id})) == (
            e.identities.system.object_id
        )
        assert whose(by_azure_async(identity_config={"msi_res_id": mine.resource_id})) == mine.object_id


class TestImds:
    def test_no_identity(self, e: Emulator, session: requests.Session) -> None:
        e.identities.system_assigned = False
        e.identities.unassign()
        with at(e, "imds"):
            for ask in (by_azure, by_azure_async):
                with pytest.raises(CredentialUnavailableError):
                    ask()
            assert by_msal(session)["error_description"] == "Identity not found"

    def test_it_is_found_by_a_probe(self, e: Emulator) -> None:
        """In a chain a request without the header comes first; the variable that names the address switches it off."""
        with at(e, "imds"):
            credential = ManagedIdentityCredential(_enable_imds_probe=True)
            credential._credential._endpoint_available = None  # type: ignore[union-attr]
            with ChainedTokenCredential(credential) as chain:
                assert chain.get_token(SCOPE).token
        assert [record.status for record in e.token_requests] == [400, 200]

    @pytest.mark.parametrize("status", [404, 410, 429, 500])
    def test_what_is_asked_again(self, e: Emulator, status: int) -> None:
        e.fail("imds", status=status, times=1)
        with at(e, "imds"):
            assert by_azure(retry_backoff_factor=0)
        statuses = [record.status for record in e.token_requests]
        assert (statuses[0], statuses[-1]) == (status, 200)

    def test_docker_desktop(self, e: Emulator) -> None:
        e.fail("imds", status=403)
        with at(e, "imds"), pytest.raises(CredentialUnavailableError, match="unreachable"):
            by_azure_async()


class TestAppService:
    def test_no_identity(self, e: Emulator, session: requests.Session) -> None:
        with at(e, "app_service"):
            answer = by_msal(session, client_id="nobody")
            assert "No User Assigned or Delegated Managed Identity found" in answer["error_description"]
            with pytest.raises(CredentialUnavailableError):
                by_azure(client_id="nobody")
            with pytest.raises(ClientAuthenticationError, match="No User Assigned"):
                by_azure_async(client_id="nobody")


class TestAppService2017:
    """azure-identity and msal take it for Azure Machine Learning, which has the same variables."""

    @pytest.mark.parametrize("form", ["linux", "windows"])
    def test_dates(self, e: Emulator, session: requests.Session, form: Any) -> None:
        e.hosts.app_service_2017_expires_on = form
        with at(e, "app_service_2017"):
            assert whose(by_azure_async()) == e.identities.system.object_id
            with pytest.raises(ValueError, match="invalid literal"):
                by_msal(session)

    def test_seconds(self, e: Emulator, session: requests.Session) -> None:
        e.hosts.app_service_2017_expires_on = "string"
        with at(e, "app_service_2017"):
            tokens = [by_azure(), by_azure_async(), by_msal(session)["access_token"]]
        assert {whose(token) for token in tokens} == {e.identities.system.object_id}


@needs_arc_folder
class TestArc:
    def test_the_system_assigned_identity(self, e: Emulator, session: requests.Session) -> None:
        with at(e, "arc"):
            tokens = [by_azure(), by_azure_async(), by_msal(session)["access_token"]]
        assert {whose(token) for token in tokens} == {e.identities.system.object_id}
        assert [record.status for record in e.token_requests] == [401, 200] * 3

    @pytest.mark.parametrize("kind", ["client_id", "object_id", "resource_id"])
    def test_a_user_assigned_identity(self, e: Emulator, session: requests.Session, kind: str) -> None:
        mine = e.identities.assign()
        value = getattr(mine, kind)
        options = {"identity_config": {kind: value}}
        with at(e, "arc"):
            tokens = [by_azure(**options), by_azure_async(**options)]
            tokens.append(by_msal(session, **{kind: value})["access_token"])
        assert {whose(token) for token in tokens} == {mine.object_id}

    def test_an_old_agents_token_is_dropped(self, e: Emulator, session: requests.Session) -> None:
        e.hosts.arc_user_assigned = False
        client_id = e.identities.assign().client_id
        with at(e, "arc"):
            for ask in (by_azure, by_azure_async):
                with pytest.raises(ClientAuthenticationError, match="did not confirm"):
                    ask(client_id=client_id)
            with pytest.raises(msal.ManagedIdentityError, match="did not confirm"):
                by_msal(session, client_id=client_id)

    def test_nothing_stays(self, e: Emulator) -> None:
        e.environ("arc")
        file = e._world.hosting.arc_keys.challenge()
        assert file.parent == arc_folder()
        e.stop()
        assert not file.exists()


class TestServiceFabric:
    def test_the_thumbprint_is_checked(
        self, e: Emulator, session: requests.Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with at(e, "service_fabric"):
            monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "00" * 20)
            with pytest.raises(requests.exceptions.SSLError, match="thumbprint"):
                by_msal(session)
            assert by_azure_async(), "azure-identity's asynchronous credential checks no certificate"

    def test_an_expires_on_in_a_string(self, e: Emulator, session: requests.Session) -> None:
        e.hosts.service_fabric_expires_on = "string"
        with at(e, "service_fabric"):
            assert by_azure()
            assert by_azure_async()
            assert by_msal(session)["expires_in"] > 3000

    def test_a_user_assigned_identity_is_none_of_the_callers_business(
        self, e: Emulator, session: requests.Session
    ) -> None:
        client_id = e.identities.assign().client_id
        with at(e, "service_fabric"):
            for ask in (by_azure, by_azure_async):
                with pytest.raises(ClientAuthenticationError, match="not supported"):
                    ask(client_id=client_id)
            assert whose(by_msal(session, client_id=client_id)["access_token"]) == e.identities.system.object_id

    def test_no_identity(self, e: Emulator, session: requests.Session) -> None:
        e.identities.system_assigned = False
        e.identities.unassign()
        with at(e, "service_fabric"):
            assert by_msal(session)["error"] == "invalid_client"


class TestCloudShell:
    def test_the_persons_token(self, e: Emulator) -> None:
        with at(e, "cloud_shell"):
            assert {whose(by_azure()), whose(by_azure_async())} == {e.directory.user.object_id}
            with pytest.raises(ValueError, match="client_id should not be set"):
                by_azure(client_id="x")

    def test_an_audience_it_does_not_know(self, e: Emulator) -> None:
        e.hosts.cloud_shell_audiences = frozenset()
        with at(e, "cloud_shell"):
            for ask in (by_azure, by_azure_async):
                with pytest.raises(ClientAuthenticationError, match="AudienceNotSupported"):
                    ask()


def test_a_trusted_context_reaches_the_secure_hosts(e: Emulator) -> None:
    """Service Fabric's certificate is also one of the emulator's CA: whoever verifies chains can."""
    url = e.environ("service_fabric")["IDENTITY_ENDPOINT"]
    host, _, port = url.removeprefix("https://").partition("/")[0].partition(":")
    context = ssl.create_default_context(cafile=e.ca_file)
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
        assert tls.version() in {"TLSv1.2", "TLSv1.3"}
