"""No secret leaves by a message, a repr, a log record at DEBUG, a frame of ours or a pickle."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from credentials.showing import NAMES, SECRET, assert_nothing_shows, failures, is_clean
from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.azure_cli import AzureCli
from entra_tokens.credentials.azure_identity import AzureIdentity
from entra_tokens.credentials.chain import Chain
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.credentials.device_code import DeviceCode
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.credentials.static import StaticToken
from entra_tokens.errors import EntraTokensError
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    import logging
    from pathlib import Path

ASK = TokenRequest(("api://app/.default",))
PROXY = "http://user:MARKER-proxy-password@127.0.0.1:1"


def look_away(shown: object) -> None:
    pass


def no_screen(shown: object) -> None:
    raise ValueError("no screen")


def test_client_secret_when_all_is_well(entra: stub.Service, ca: str, records: list[logging.LogRecord]) -> None:
    entra.on("/token", stub.granted("MARKER-access-token", refresh_in=1800))
    one = ClientSecret("t.example", "c", SECRET, authority=entra.url, verify=ca)
    token = one.acquire(ASK)
    assert token == "MARKER-access-token"
    assert is_clean(repr(token))
    assert records
    assert_nothing_shows(one, records)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("secret", [SECRET, lambda: SECRET], ids=["text", "callable"])
def test_client_secret_when_it_fails(
    entra: stub.Service, ca: str, records: list[logging.LogRecord], name: str, secret: Any
) -> None:
    entra.on("/token", failures(entra)[name])
    one = ClientSecret("t.example", "c", secret, authority=entra.url, verify=ca, timeout=2)
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


def test_a_proxys_password(records: list[logging.LogRecord]) -> None:
    one = ClientSecret("t.example", "c", SECRET, proxy=PROXY, authority="https://localhost:1", verify=False)
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


def test_a_callable_that_raises_with_its_secret(records: list[logging.LogRecord]) -> None:
    def vault() -> str:
        raise RuntimeError(f"found {SECRET} and choked")

    one = ClientSecret("t.example", "c", vault)
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_managed_identity(
    metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, records: list[logging.LogRecord], name: str
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", metadata.url + "/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    one = ManagedIdentity()
    metadata.on("/token", failures(metadata)[name])
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


def part(**claims: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


WHO = {
    "client_info": part(uid="u", utid="t"),
    "id_token": f"e30.{part(iss='https://x/t', sub='s', aud='c', oid='o', tid='t', preferred_username='ada')}.MARKER",
}
CODE = {
    "device_code": "MARKER-device-code",
    "user_code": "USERCODE",
    "verification_uri": "https://microsoft.com/devicelogin",
    "expires_in": 900,
    "interval": 0.01,
    "message": "Go",
}


def test_device_code(entra: stub.Service, ca: str, records: list[logging.LogRecord]) -> None:
    entra.on("/devicecode", stub.Reply(body=CODE))
    pending = stub.Reply(400, {"error": "authorization_pending"})
    good = stub.granted("MARKER-access-token", refresh_token="MARKER-renewal", id_token="e30.MARKER.MARKER")
    one = DeviceCode("c", authority=entra.url, verify=ca, prompt=look_away)
    around = Acquiring(sign_ins={})
    with acquiring(around):
        entra.on("/token", pending, good)
        one.acquire(ASK)
        one.acquire(ASK)
        assert_nothing_shows(one, records)
        assert is_clean(repr(around.sign_ins))
        for reply in failures(entra, "MARKER-renewal").values():
            entra.on("/token", reply)
            with acquiring(Acquiring(sign_ins=around.sign_ins, may_prompt=False)):
                with pytest.raises(EntraTokensError) as caught:
                    one.acquire(ASK)
                assert_nothing_shows(one, records, caught.value)
    entra.on("/token", stub.Reply(400, {"error": "expired_token", "error_description": "code MARKER-device-code"}))
    with acquiring(Acquiring(sign_ins={})), pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


def test_a_device_code_prompt_that_raises(entra: stub.Service, ca: str, records: list[logging.LogRecord]) -> None:
    entra.on("/devicecode", stub.Reply(body=CODE))
    one = DeviceCode("c", authority=entra.url, verify=ca, prompt=no_screen)
    with acquiring(Acquiring(sign_ins={})), pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


@pytest.mark.parametrize(
    "output",
    [
        '{"accessToken": "MARKER-token", "expires_on": 4102444800}',
        '{"accessToken":"MARKER-token","expires_on":"soon"}',
        'WARNING {"accessToken":"MARKER-token","expires_on":4102444800}',
        '{"accessToken": "MARKER-token", "expires_on": 1000000000}',
    ],
)
def test_azure_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: list[logging.LogRecord], output: str
) -> None:
    (tmp_path / "az").write_text(f"#!/bin/sh\necho '{output}'\n")
    (tmp_path / "az").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    one, error = AzureCli(), None
    try:
        one.acquire(ASK)
    except EntraTokensError as failed:
        error = failed
    assert_nothing_shows(one, records, error)


def test_azure_identity(entra: stub.Service, ca: str, records: list[logging.LogRecord]) -> None:
    import azure.identity

    entra.on("/devicecode", stub.Reply(body={**CODE, "interval": 1}))
    entra.on("/token", stub.granted("MARKER-access-token", refresh_token="MARKER-renewal", **WHO))
    options = {"authority": entra.url, "connection_verify": ca, "disable_instance_discovery": True}
    with azure.identity.DeviceCodeCredential("c", prompt_callback=lambda *args: None, **options) as inner:
        one = AzureIdentity(inner)
        one.acquire(ASK)
        assert_nothing_shows(one, records)
    with azure.identity.ClientSecretCredential("tenant", "c", SECRET, **options) as inner:
        one = AzureIdentity(inner)
        one.acquire(ASK)
        entra.on("/token", failures(entra, "nothing that only azure-identity knows")["refused"])
        with pytest.raises(EntraTokensError) as caught:
            one.acquire(TokenRequest(("api://other/.default",)))
        assert_nothing_shows(one, records, caught.value)


def test_static_token_and_chain(records: list[logging.LogRecord]) -> None:
    one = StaticToken("MARKER-token", expires_on=1)
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)
    chain = Chain(ClientSecret("t.example", "c", SECRET, authority="https://localhost:1"), one)
    with pytest.raises(EntraTokensError) as caught:
        chain.acquire(ASK)
    assert_nothing_shows(chain, records, caught.value)
    with pytest.raises(EntraTokensError) as caught:
        StaticToken("Bearer MARKER-token")
    assert is_clean(str(caught.value))
