"""azure-identity, msal and PyJWT, unmodified, with every grant of the authority's."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import ssl
import threading
import webbrowser
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import msal
import pytest
import requests
import requests.adapters
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    InteractiveBrowserCredential,
    OnBehalfOfCredential,
)
from azure.identity.aio import AuthorizationCodeCredential as AsyncAuthorizationCodeCredential
from azure.identity.aio import CertificateCredential as AsyncCertificateCredential
from azure.identity.aio import ClientAssertionCredential as AsyncClientAssertionCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from azure.identity.aio import OnBehalfOfCredential as AsyncOnBehalfOfCredential

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

GRAPH = "https://graph.microsoft.com/.default"
ADDRESS = "http://localhost:53999"


@pytest.fixture
def session(e: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False  # REQUESTS_CA_BUNDLE would win over the session's own
        made.verify = e.ca_file
        yield made


def options(e: Emulator) -> dict[str, Any]:
    return {"authority": e.authority, "disable_instance_discovery": True, "connection_verify": e.ca_file}


def application(e: Emulator, session: requests.Session, credential: Any = None, **more: Any) -> Any:
    kind = msal.PublicClientApplication if credential is None else msal.ConfidentialClientApplication
    if credential is not None:
        more["client_credential"] = credential
    authority = f"{e.authority}/{e.tenant_id}"
    return kind(e.client_id, authority=authority, instance_discovery=False, http_client=session, **more)


def ask(credential: Any, *scopes: str, **how: Any) -> str:
    with credential:
        token: str = credential.get_token(*scopes, **how).token
        return token


def ask_async(credential: Any, *scopes: str, **how: Any) -> str:
    async def asked() -> str:
        async with credential:
            token: str = (await credential.get_token(*scopes, **how)).token
            return token

    return asyncio.run(asked())


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def assertion_header(e: Emulator) -> dict[str, Any]:
    return jwt.get_unverified_header(e.token_requests[-1].form["client_assertion"])


class TestCertificate:
    @pytest.mark.parametrize("chain", [False, True])
    def test_azure_identity(self, e: Emulator, chain: bool) -> None:
        credential = CertificateCredential(
            e.tenant_id, e.client_id, e.client_certificate, send_certificate_chain=chain, **options(e)
        )
        assert claims_of(ask(credential, e.h2ogpte_scope))["azpacr"] == "2"
        header = assertion_header(e)
        assert (header["alg"], "x5t" in header, "x5c" in header) == ("RS256", True, chain)

    @pytest.mark.parametrize("chain", [False, True])
    def test_azure_identity_async(self, e: Emulator, chain: bool) -> None:
        credential = AsyncCertificateCredential(
            e.tenant_id, e.client_id, e.client_certificate, send_certificate_chain=chain, **options(e)
        )
        assert claims_of(ask_async(credential, e.h2ogpte_scope))["azpacr"] == "2"
        assert assertion_header(e)["alg"] == "PS256"

    def test_azure_identity_by_environment(self, e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            **e.environ("client_secret"),
            "AZURE_CLIENT_CERTIFICATE_PATH": e.client_certificate,
        }.items():
            if name != "AZURE_CLIENT_SECRET":
                monkeypatch.setenv(name, value)
        assert claims_of(ask(EnvironmentCredential(**options(e)), e.h2ogpte_scope))["azpacr"] == "2"

    @pytest.mark.parametrize("whole", [False, True], ids=["thumbprint only", "certificate"])
    def test_msal(self, e: Emulator, session: requests.Session, whole: bool) -> None:
        pem = Path(e.client_certificate).read_text(encoding="ascii")
        thumbprint = base64.urlsafe_b64decode(e.application.certificates[0].x5t + "==").hex()
        credential = {"private_key": pem, "public_certificate": pem} if whole else {"private_key": pem}
        answer = application(
            e, session, credential if whole else {**credential, "thumbprint": thumbprint}
        ).acquire_token_for_client([e.h2ogpte_scope])
        assert claims_of(answer["access_token"])["azpacr"] == "2"
        header = assertion_header(e)
        assert (header["alg"], "x5t" in header) == (("PS256", False) if whole else ("RS256", True))

    def test_a_certificate_that_is_not_registered(self, e: Emulator, session: requests.Session) -> None:
        path = e.client_certificate
        e.application.certificates.clear()
        credential = CertificateCredential(e.tenant_id, e.client_id, path, **options(e))
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            ask(credential, e.h2ogpte_scope)
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            ask_async(AsyncCertificateCredential(e.tenant_id, e.client_id, path, **options(e)), e.h2ogpte_scope)


class TestFederatedAssertion:
    def test_azure_identity(self, e: Emulator) -> None:
        credential = ClientAssertionCredential(e.tenant_id, e.client_id, e.federated_token, **options(e))
        assert claims_of(ask(credential, e.h2ogpte_scope))["azpacr"] == "2"

    def test_azure_identity_async(self, e: Emulator) -> None:
        credential = AsyncClientAssertionCredential(e.tenant_id, e.client_id, e.federated_token, **options(e))
        assert claims_of(ask_async(credential, e.h2ogpte_scope))["azpacr"] == "2"

    def test_msal(self, e: Emulator, session: requests.Session) -> None:
        answer = application(e, session, {"client_assertion": e.federated_token}).acquire_token_for_client([GRAPH])
        assert claims_of(answer["access_token"])["appidacr"] == "2"

    def test_another_subject(self, e: Emulator, session: requests.Session) -> None:
        def assertion() -> str:
            return e.federated_token("somebody-else")

        credential = ClientAssertionCredential(e.tenant_id, e.client_id, assertion, **options(e))
        with pytest.raises(ClientAuthenticationError, match=r"AADSTS700213.*somebody-else"):
            ask(credential, e.h2ogpte_scope)
        answer = application(e, session, {"client_assertion": assertion}).acquire_token_for_client([GRAPH])
        assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700213])


@pytest.fixture
def users_token(e: Emulator, caller: Caller) -> str:
    """What a client sends to the application: an access token of the user's for it."""
    code = caller.device_code(f"api://{e.client_id}/access_as_user")
    e.approve(code["user_code"])
    token: str = caller.poll(code["device_code"]).json()["access_token"]
    return token


class TestOnBehalfOf:
    def test_azure_identity(self, e: Emulator, users_token: str) -> None:
        credential = OnBehalfOfCredential(
            e.tenant_id, e.client_id, client_secret=e.client_secret, user_assertion=users_token, **options(e)
        )
        assert claims_of(ask(credential, GRAPH))["upn"] == e.directory.user.username

    def test_azure_identity_by_certificate(self, e: Emulator, users_token: str) -> None:
        content = Path(e.client_certificate).read_bytes()
        credential = OnBehalfOfCredential(
            e.tenant_id, e.client_id, client_certificate=content, user_assertion=users_token, **options(e)
        )
        assert claims_of(ask(credential, GRAPH))["appidacr"] == "2"

    def test_azure_identity_by_federated_assertion(self, e: Emulator, users_token: str) -> None:
        how = {"client_assertion_func": e.federated_token, "user_assertion": users_token}
        credential = OnBehalfOfCredential(e.tenant_id, e.client_id, **how, **options(e))
        assert claims_of(ask(credential, GRAPH))["appidacr"] == "2"

    @pytest.mark.parametrize("by", ["secret", "certificate", "assertion"])
    def test_azure_identity_async(self, e: Emulator, users_token: str, by: str) -> None:
        how: dict[str, Any] = {
            "secret": lambda: {"client_secret": e.client_secret},
            "certificate": lambda: {"client_certificate": Path(e.client_certificate).read_bytes()},
            "assertion": lambda: {"client_assertion_func": e.federated_token},
        }[by]()
        credential = AsyncOnBehalfOfCredential(
            e.tenant_id, e.client_id, user_assertion=users_token, **how, **options(e)
        )
        token = claims_of(ask_async(credential, GRAPH))
        assert (token["upn"], token["appidacr"]) == (e.directory.user.username, "1" if by == "secret" else "2")

    def test_msal(self, e: Emulator, session: requests.Session, users_token: str) -> None:
        app = application(e, session, e.client_secret)
        answer = app.acquire_token_on_behalf_of(users_token, [GRAPH])
        assert claims_of(answer["access_token"])["upn"] == e.directory.user.username
        (account,) = app.get_accounts()
        again = app.acquire_token_silent([GRAPH], account)
        assert claims_of(again["access_token"])["oid"] == e.directory.user.object_id

    def test_a_policy_refuses(self, e: Emulator, session: requests.Session, users_token: str) -> None:
        e.fail("token", error=53003)
        answer = application(e, session, e.client_secret).acquire_token_on_behalf_of(users_token, [GRAPH])
        assert (answer["error"], answer["suberror"]) == ("interaction_required", "message_only")
        assert json.loads(answer["claims"])["access_token"]["capolids"]["essential"] is True


class Person:
    """Stands in for a browser and whoever sits at it: opens the page, presses, and sends what the pages say."""

    def __init__(self, e: Emulator, **answer: str) -> None:
        self._e = e
        self._answer = answer or {"username": e.directory.user.username}
        self._threads: list[threading.Thread] = []
        self.errors: list[Exception] = []

    def open(self, url: str, *_: Any, **__: Any) -> bool:
        thread = threading.Thread(target=self._sit, args=[url])
        thread.start()
        self._threads.append(thread)
        return True

    def leave(self) -> None:
        for thread in self._threads:
            thread.join(30)
        assert not self.errors, self.errors

    def _sit(self, url: str) -> None:
        try:
            verify = ssl.create_default_context(cafile=self._e.ca_file)
            with httpx.Client(verify=verify, trust_env=False, timeout=10) as http:
                page = http.get(url)
                page = http.post(f"{self._e.authority}/signin", data={**_hidden(page.text), **self._answer})
                target = page.headers.get("location")
                if target is None:
                    form = re.search(r'<form method="post" action="([^"]+)"', page.text)
                    assert form
                    http.post(unescape(form[1]), data=_hidden(page.text)).raise_for_status()
                else:
                    http.get(target).raise_for_status()
        except Exception as error:
            self.errors.append(error)


def _hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


@pytest.fixture
def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TestAuthorizationCode:
    def code(self, e: Emulator, scope: str = GRAPH) -> str:
        query = httpx.QueryParams(
            client_id=e.client_id, response_type="code", redirect_uri=ADDRESS, scope=f"{scope} openid offline_access"
        )
        return e.authorize(f"{e.authority}/{e.tenant_id}/oauth2/v2.0/authorize?{query}")["code"]

    def test_azure_identity(self, e: Emulator) -> None:
        credential = AuthorizationCodeCredential(e.tenant_id, e.client_id, self.code(e), ADDRESS, **options(e))
        assert claims_of(ask(credential, GRAPH))["upn"] == e.directory.user.username

    def test_azure_identity_async(self, e: Emulator) -> None:
        e.fail("token", fault="expired", times=1)
        credential = AsyncAuthorizationCodeCredential(
            e.tenant_id, e.client_id, self.code(e), ADDRESS, client_secret=e.client_secret, **options(e)
        )

        async def twice() -> list[str]:
            async with credential:
                return [(await credential.get_token(GRAPH)).token for _ in range(2)]

        first, second = asyncio.run(twice())
        assert first != second
        assert [record.grant for record in e.token_requests] == ["authorization_code", "refresh_token"]

    @pytest.mark.parametrize("decline", [False, True])
    def test_azure_identity_in_a_browser(
        self, e: Emulator, monkeypatch: pytest.MonkeyPatch, free_port: int, decline: bool
    ) -> None:
        person = Person(e, **({"decline": "yes"} if decline else {}))
        monkeypatch.setattr(webbrowser, "open", person.open)
        credential = InteractiveBrowserCredential(
            tenant_id=e.tenant_id,
            client_id=e.client_id,
            redirect_uri=f"http://localhost:{free_port}",
            timeout=10,
            **options(e),
        )
        if decline:
            with pytest.raises(ClientAuthenticationError, match="AADSTS65004"):
                ask(credential, GRAPH)
        else:
            assert claims_of(ask(credential, GRAPH))["upn"] == e.directory.user.username
        person.leave()

    def test_azure_identity_without_a_page(self, e: Emulator, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
        e.register_user("bob@emulator.example")
        monkeypatch.setattr(webbrowser, "open", lambda url: e.browse(url, "bob@emulator.example"))
        credential = InteractiveBrowserCredential(
            tenant_id=e.tenant_id, client_id=e.client_id, redirect_uri=f"http://localhost:{free_port}", **options(e)
        )
        assert claims_of(ask(credential, GRAPH))["upn"] == "bob@emulator.example"

    @pytest.mark.parametrize("mode", ["form_post", "query"])
    @pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended")
    def test_msal(self, e: Emulator, session: requests.Session, mode: str) -> None:
        app = application(e, session, e.client_secret)
        flow = app.initiate_auth_code_flow([GRAPH], redirect_uri=ADDRESS, response_mode=mode, login_hint="ada")
        answer = app.acquire_token_by_auth_code_flow(flow, e.authorize(flow["auth_uri"]))
        assert answer["id_token_claims"]["preferred_username"] == e.directory.user.username
        (account,) = app.get_accounts()
        silent = app.acquire_token_silent([e.h2ogpte_scope], account)
        assert claims_of(silent["access_token"])["aud"] == e.directory.h2ogpte_id

    def test_msal_in_a_browser(self, e: Emulator, session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
        person = Person(e)
        monkeypatch.setattr(webbrowser, "open", person.open)
        monkeypatch.setattr(webbrowser, "get", lambda *_: person)
        answer = application(e, session).acquire_token_interactive([GRAPH], timeout=10)
        assert answer["id_token_claims"]["oid"] == e.directory.user.object_id
        person.leave()

    def test_msal_with_claims(self, e: Emulator, session: requests.Session) -> None:
        app = application(e, session, e.client_secret)
        wanted = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
        flow = app.initiate_auth_code_flow(
            [GRAPH], redirect_uri=ADDRESS, claims_challenge=wanted, response_mode="form_post"
        )
        answer = app.acquire_token_by_auth_code_flow(flow, e.authorize(flow["auth_uri"]))
        assert claims_of(answer["access_token"])["acrs"] == ["c1"]

    def test_msal_with_a_code_that_was_used(self, e: Emulator, session: requests.Session) -> None:
        app = application(e, session, e.client_secret)
        flow = app.initiate_auth_code_flow([GRAPH], redirect_uri=ADDRESS, response_mode="form_post")
        answer = e.authorize(flow["auth_uri"])
        assert "access_token" in app.acquire_token_by_auth_code_flow(dict(flow), answer)
        again = app.acquire_token_by_auth_code_flow(dict(flow), answer)
        assert (again["error"], again["error_codes"]) == ("invalid_grant", [54005])


class WithPort(requests.adapters.HTTPAdapter):
    """msal asks for the account's realm at the authority's host without its port."""

    def __init__(self, authority: str) -> None:
        super().__init__()
        self._authority = authority

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        request.url = str(request.url).replace("https://localhost/", f"{self._authority}/", 1)
        return super().send(request, *args, **options)


class TestPassword:
    @pytest.mark.filterwarnings("ignore:This API has been deprecated for public:DeprecationWarning")
    def test_msal(self, e: Emulator, session: requests.Session) -> None:
        session.mount("https://localhost/common/userrealm/", WithPort(e.authority))
        bob = e.register_user("bob@emulator.example", mfa=True)
        app = application(e, session)
        answer = app.acquire_token_by_username_password(bob.user.username, bob.password, [GRAPH])
        assert (answer["error"], answer["suberror"]) == ("interaction_required", "basic_action")
        carol = e.register_user("carol@emulator.example")
        answer = app.acquire_token_by_username_password(carol.user.username, carol.password, [GRAPH])
        assert claims_of(answer["access_token"])["upn"] == carol.user.username


class TestRefreshToken:
    def test_msal(self, e: Emulator, session: requests.Session, caller: Caller) -> None:
        code = caller.device_code()
        e.approve(code["user_code"])
        token = caller.poll(code["device_code"]).json()["refresh_token"]
        app = application(e, session)
        assert "access_token" in app.acquire_token_by_refresh_token(token, [GRAPH])
        e.sign_in_frequency = 60
        e.advance(61)
        answer = app.acquire_token_by_refresh_token(token, [e.h2ogpte_scope])
        assert (answer["error"], answer["error_codes"], answer["suberror"]) == (
            "invalid_grant",
            [70043],
            "token_expired",
        )

    def test_msal_forgets_a_revoked_one(self, e: Emulator, session: requests.Session) -> None:
        app = application(e, session)
        flow = app.initiate_device_flow([GRAPH])
        e.approve(flow["user_code"])
        app.acquire_token_by_device_flow(flow)
        (account,) = app.get_accounts()
        e.revoke_sessions()
        answer = app.acquire_token_silent_with_error([GRAPH], account, force_refresh=True)
        assert (answer["error"], answer["suberror"], answer["classification"]) == ("invalid_grant", "bad_token", "")


class TestClaims:
    def challenged(self, e: Emulator) -> str:
        found = re.search(r'claims="([^"]+)"', e.challenge(acrs="c1"))
        assert found
        return base64.b64decode(found[1]).decode()

    def test_azure_identity(self, e: Emulator) -> None:
        credential = ClientSecretCredential(e.tenant_id, e.client_id, e.client_secret, **options(e))
        with credential:
            first = credential.get_token(GRAPH, enable_cae=True)
            assert claims_of(first.token)["xms_cc"] == ["CP1"]
            assert first.expires_on - e.now() > 20 * 3600
            again = credential.get_token(GRAPH, enable_cae=True, claims=self.challenged(e))
            assert claims_of(again.token)["acrs"] == ["c1"]

    def test_azure_identity_async(self, e: Emulator) -> None:
        async def asked() -> list[str]:
            async with AsyncClientSecretCredential(
                e.tenant_id, e.client_id, e.client_secret, **options(e)
            ) as credential:
                first = await credential.get_token(GRAPH, enable_cae=True)
                assert first.expires_on - e.now() > 20 * 3600
                again = await credential.get_token(GRAPH, enable_cae=True, claims=self.challenged(e))
                return [first.token, again.token]

        first, again = asyncio.run(asked())
        assert claims_of(first)["xms_cc"] == ["CP1"]
        assert claims_of(again)["acrs"] == ["c1"]

    def test_azure_identity_for_a_person(self, e: Emulator) -> None:
        def approve(_uri: str, user_code: str, _expires_on: object) -> None:
            e.approve(user_code)

        credential = DeviceCodeCredential(e.client_id, tenant_id=e.tenant_id, prompt_callback=approve, **options(e))
        token = claims_of(ask(credential, GRAPH, claims=self.challenged(e), enable_cae=True))
        assert (token["acrs"], token["xms_cc"]) == (["c1"], ["CP1"])

    def test_msal(self, e: Emulator, session: requests.Session) -> None:
        app = application(e, session, e.client_secret, client_capabilities=["CP1"])
        first = app.acquire_token_for_client([GRAPH])
        assert claims_of(first["access_token"])["xms_cc"] == ["CP1"]
        assert app.acquire_token_for_client([GRAPH])["access_token"] == first["access_token"]
        again = app.acquire_token_for_client([GRAPH], claims_challenge=self.challenged(e))
        assert claims_of(again["access_token"])["acrs"] == ["c1"]


class TestDiscovery:
    @pytest.mark.parametrize("tenant", ["own", "emulator.example", "organizations", "common"])
    def test_msal(self, e: Emulator, session: requests.Session, tenant: str) -> None:
        authority = f"{e.authority}/{e.tenant_id if tenant == 'own' else tenant}"
        app = msal.PublicClientApplication(
            e.client_id, authority=authority, instance_discovery=False, http_client=session
        )
        flow = app.initiate_device_flow([GRAPH])
        e.approve(flow["user_code"])
        assert app.acquire_token_by_device_flow(flow)["id_token_claims"]["tid"] == e.tenant_id

    def test_pyjwt_follows_a_roll_over(self, e: Emulator, caller: Caller) -> None:
        uri = caller.http.get(f"{e.authority}/common/v2.0/.well-known/openid-configuration").json()["jwks_uri"]
        client = jwt.PyJWKClient(uri, cache_jwk_set=False, ssl_context=ssl.create_default_context(cafile=e.ca_file))
        for roll in (False, True):
            if roll:
                e.roll_keys()
            token = caller.access_token()
            key = client.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=e.directory.h2ogpte_id, issuer=e.issuer)
            assert claims["azp"] == e.client_id

    def test_pyjwt_verifies_an_id_token(self, e: Emulator, session: requests.Session) -> None:
        app = application(e, session, e.client_secret)
        flow = app.initiate_auth_code_flow([GRAPH], redirect_uri=ADDRESS, response_mode="form_post")
        query = dict(parse_qsl(urlsplit(flow["auth_uri"]).query))
        answer = app.acquire_token_by_auth_code_flow(flow, e.authorize(flow["auth_uri"]))
        uri = f"{e.authority}/{e.tenant_id}/discovery/v2.0/keys"
        client = jwt.PyJWKClient(uri, ssl_context=ssl.create_default_context(cafile=e.ca_file))
        key = client.get_signing_key_from_jwt(answer["id_token"])
        claims = jwt.decode(answer["id_token"], key, algorithms=["RS256"], audience=e.client_id, issuer=e.issuer)
        assert claims["nonce"] == query["nonce"]


class TestTroubles:
    def test_azure_identity_is_throttled(self, e: Emulator) -> None:
        e.fail("token", fault="throttled", headers={"Retry-After": "0"}, times=1)
        credential = ClientSecretCredential(e.tenant_id, e.client_id, e.client_secret, **options(e))
        assert ask(credential, e.h2ogpte_scope)
        assert [record.status for record in e.token_requests] == [429, 200]

    def test_azure_identity_async_is_throttled(self, e: Emulator) -> None:
        e.fail("token", fault="throttled", headers={"Retry-After": "0"}, times=1)
        credential = AsyncClientSecretCredential(e.tenant_id, e.client_id, e.client_secret, **options(e))
        assert ask_async(credential, e.h2ogpte_scope)
        assert [record.status for record in e.token_requests] == [429, 200]

    def test_msal_is_throttled(self, e: Emulator, session: requests.Session) -> None:
        e.fail("token", fault="throttled")
        app = application(e, session, e.client_secret)
        for _ in range(2):  # it has no words for an answer that is no JSON, but keeps it until `Retry-After` is over
            with pytest.raises(ValueError, match="Expecting value"):
                app.acquire_token_for_client([e.h2ogpte_scope])
        assert [record.status for record in e.token_requests] == [429]

    def test_azure_identity_meets_a_transient_error(self, e: Emulator) -> None:
        e.fail("token", error=90033, headers={"Retry-After": "0"}, times=1)
        credential = ClientSecretCredential(e.tenant_id, e.client_id, e.client_secret, **options(e))
        assert ask(credential, e.h2ogpte_scope)
        assert [record.status for record in e.token_requests] == [503, 200]

    def test_msal_without_consent(self, e: Emulator, session: requests.Session) -> None:
        app = application(e, session)
        flow = app.initiate_device_flow([GRAPH])
        e.approve(flow["user_code"])
        app.acquire_token_by_device_flow(flow)
        (account,) = app.get_accounts()
        e.fail("token", error=65001, scope=e.h2ogpte_scope)
        answer = app.acquire_token_silent_with_error([e.h2ogpte_scope], account)
        assert (answer["error"], answer["classification"]) == ("invalid_grant", "consent_required")
