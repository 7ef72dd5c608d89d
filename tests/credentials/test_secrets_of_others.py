"""The same for the credentials that hold something else than a secret, and for the store.

Each is led through good answers and through bad ones that repeat what was sent to the authority.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from authority import stub
from credentials.showing import SECRET, assert_nothing_shows, failures, is_clean
from credentials.test_interactive_browser import returned
from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.azure_developer_cli import AzureDeveloperCli
from entra_tokens.credentials.azure_pipelines import AzurePipelines
from entra_tokens.credentials.azure_powershell import AzurePowerShell
from entra_tokens.credentials.client_assertion import ClientAssertion
from entra_tokens.credentials.client_certificate import ClientCertificate
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.credentials.github_actions import GitHubActions
from entra_tokens.credentials.interactive_browser import InteractiveBrowser
from entra_tokens.credentials.on_behalf_of import OnBehalfOf
from entra_tokens.credentials.workload_identity import WorkloadIdentity
from entra_tokens.errors import EntraTokensError
from entra_tokens.provider import TokenProvider
from entra_tokens.request import TokenRequest
from entra_tokens.stores.file import FileStore
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    import logging
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

ASK = TokenRequest(("api://app/.default",))
APPLICATION = ("t.example", "c")
ASSERTION = "MARKER-head.MARKER-body.MARKER-signature"
PASSWORD = b"MARKER-password"
JWT = "eyJhbGciOiJSUzI1NiJ9.MARKER-body.MARKER-signature"
# What a request holds that nobody must come to see.
SENT = ("client_assertion", "assertion", "client_secret", "code", "code_verifier", "refresh_token")


def echo(entra: stub.Service) -> stub.Reply:
    """A refusal that repeats the whole request."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        said = " ".join(entra.requests[-1].form.values())
        body = json.dumps({"error": "invalid_client", "error_description": f"AADSTS700027: {said}", "suberror": said})
        handler.send_response(401)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return stub.Reply(act=act)


def sent(entra: stub.Service) -> list[str]:
    return [asked.form[name] for asked in entra.seen("/token") for name in SENT if name in asked.form]


def led_through_everything(
    one: Any,
    entra: stub.Service,
    records: list[logging.LogRecord],
    *more: str,
    known: str = "nothing",
    silent: bool = False,
) -> None:
    """Args:
    more: What must not show beside the markers and what was sent.
    known: What the authority repeats from the start.
    silent: Whether nobody logs anything: msal is not there.
    """
    entra.on("/token", stub.granted("MARKER-access-token", refresh_in=1800))
    token = one.acquire(ASK)
    assert is_clean(repr(token))
    assert bool(records) is not silent
    assert_nothing_shows(one, records, None, *more, *sent(entra))
    for reply in [*failures(entra, known).values(), echo(entra)]:
        entra.on("/token", reply)
        with pytest.raises(EntraTokensError) as caught:
            one.acquire(ASK)
        assert_nothing_shows(one, records, caught.value, *more, *sent(entra))
    with TokenProvider(one, ASK.scopes[0]) as provider:
        assert is_clean(repr(provider) + repr(provider.status()))


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey, password: bytes | None) -> tuple[bytes, str]:
    """A key with its certificate, and a line of the key that is nowhere else."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    day = datetime(2026, 1, 1, tzinfo=timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day + timedelta(days=9999))
    sealed = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    shown = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return shown + certificate, shown.decode().splitlines()[5]


@pytest.mark.parametrize("how", ["bytes", "file", "file and password"])
def test_client_certificate(
    entra: stub.Service, ca: str, records: list[logging.LogRecord], key: rsa.RSAPrivateKey, tmp_path: Path, how: str
) -> None:
    password = PASSWORD if "password" in how else None
    content, line = pem(key, password)
    (tmp_path / "c.pem").write_bytes(content)
    given: Any = content if how == "bytes" else tmp_path / "c.pem"
    one = ClientCertificate(*APPLICATION, given, password=password, authority=entra.url, verify=ca)
    led_through_everything(one, entra, records, line)
    wrong = ClientCertificate(*APPLICATION, given, password=b"MARKER-wrong", authority=entra.url, verify=ca)
    if password is not None:
        with pytest.raises(EntraTokensError) as caught:
            wrong.acquire(ASK)
        assert_nothing_shows(wrong, records, caught.value, line)


def assertion() -> str:
    return ASSERTION


@pytest.mark.parametrize("how", ["assertion", "file", "on behalf of, secret", "on behalf of, assertion"])
def test_assertions(entra: stub.Service, ca: str, records: list[logging.LogRecord], tmp_path: Path, how: str) -> None:
    options: dict[str, Any] = {"authority": entra.url, "verify": ca}
    (tmp_path / "token").write_text(ASSERTION)
    made: dict[str, Any] = {
        "assertion": lambda: ClientAssertion(*APPLICATION, assertion, **options),
        "file": lambda: WorkloadIdentity(tenant_id="t", client_id="c", token_file=tmp_path / "token", **options),
        "on behalf of, secret": lambda: OnBehalfOf(*APPLICATION, SECRET, "MARKER-user.a.b", **options),
        "on behalf of, assertion": lambda: OnBehalfOf(*APPLICATION, assertion, "MARKER-user.a.b", **options),
    }
    known = SECRET if "secret" in how else ASSERTION
    led_through_everything(made[how](), entra, records, known=known, silent=how == "file")


def choke() -> str:
    raise RuntimeError(ASSERTION)


def no_ascii() -> str:
    return f"{ASSERTION}\u00e9"


def test_a_function_that_raises_with_its_assertion(records: list[logging.LogRecord]) -> None:
    for one in (ClientAssertion(*APPLICATION, choke), ClientAssertion(*APPLICATION, no_ascii)):
        with pytest.raises(EntraTokensError) as caught:
            one.acquire(ASK)
        assert_nothing_shows(one, records, caught.value)


@pytest.mark.parametrize("place", ["github", "pipelines"])
def test_ci(
    entra: stub.Service, ca: str, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    options: dict[str, Any] = {"authority": entra.url, "verify": ca, "timeout": 2}
    one: Any
    if place == "github":
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{entra.url}/ci?x=y")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MARKER-request")
        one = GitHubActions(*APPLICATION, **options)
    else:
        monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"{entra.url}/ci")
        monkeypatch.setenv("SYSTEM_ACCESSTOKEN", "MARKER-request")
        one = AzurePipelines(*APPLICATION, service_connection_id="connection", **options)
    entra.on("/ci", stub.Reply(body={"value": ASSERTION, "oidcToken": ASSERTION}))
    led_through_everything(one, entra, records, known=ASSERTION)
    entra.on("/token", stub.granted("MARKER-access-token"))
    for reply in [*failures(entra, "MARKER-request").values(), stub.Reply(302, {}, {"Location": "/sign-in"})]:
        entra.on("/ci", reply)
        with pytest.raises(EntraTokensError) as caught:
            one.acquire(ASK)
        assert_nothing_shows(one, records, caught.value)


states: list[str] = []


def opener(address: str) -> bool:
    states.append(parse_qs(urlsplit(address).query)["state"][0])
    return returned(address, code="MARKER-code", state=states[-1]) == 200


def test_interactive_browser(entra: stub.Service, ca: str, records: list[logging.LogRecord]) -> None:
    states.clear()
    one = InteractiveBrowser("c", opener=opener, authority=entra.url, verify=ca)
    entra.on(
        "/token", stub.granted("MARKER-access-token", refresh_token="MARKER-renewal", id_token="e30.MARKER.MARKER")
    )
    around = Acquiring(sign_ins={})
    with acquiring(around):
        one.acquire(ASK)
        one.acquire(ASK)
    assert_nothing_shows(one, records, None, *sent(entra))
    assert is_clean(repr(around.sign_ins))
    for remembered, known in ((around.sign_ins, "MARKER-renewal"), ({}, "MARKER-code")):
        ended = stub.Reply(400, {"error": "invalid_grant", "error_description": f"AADSTS700082: {known}"})
        for reply in [*failures(entra, known).values(), echo(entra), ended]:
            entra.on("/token", reply)
            with acquiring(Acquiring(sign_ins=dict(remembered), may_prompt=not remembered)):
                with pytest.raises(EntraTokensError) as caught:
                    one.acquire(ASK)
                assert_nothing_shows(one, records, caught.value, *sent(entra))
    assert len(states) > 1


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are POSIX scripts")
@pytest.mark.parametrize(("tool", "kind"), [("azd", AzureDeveloperCli), ("pwsh", AzurePowerShell)])
@pytest.mark.parametrize(
    "output", ['{"token": "MARKER-token", "expiresOn": "soon"}', f"{JWT}%1", f"azsdk%{JWT}%soon", ""]
)
@pytest.mark.parametrize("status", [0, 1])
def test_commands(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    records: list[logging.LogRecord],
    tool: str,
    kind: Any,
    output: str,
    status: int,
) -> None:
    (tmp_path / tool).write_text(f"#!/bin/sh\necho '{output}'\necho '{output}' >&2\nexit {status}\n")
    (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    one = kind()
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert_nothing_shows(one, records, caught.value)


@pytest.mark.filterwarnings("ignore:The key that seals")
def test_a_store(
    entra: stub.Service, ca: str, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENTRA_TOKENS_HOME", str(tmp_path / "home"))
    store = FileStore(tmp_path / "store")
    one = ClientSecret(*APPLICATION, SECRET, authority=entra.url, verify=ca)
    entra.on("/token", stub.granted("MARKER-access-token"))
    for _ in range(2):
        with fresh_engine(), TokenProvider(one, ASK.scopes[0], store=store) as provider:
            assert provider.token() == "MARKER-access-token"
            assert is_clean(repr(provider) + repr(provider.status()) + repr(store))
    assert len(entra.seen("/token")) == 1
    (file,) = (tmp_path / "store" / "tokens").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    entra.on("/token", failures(entra)["refused"])
    with fresh_engine(), TokenProvider(one, ASK.scopes[0], store=store) as provider:
        with pytest.raises(EntraTokensError) as caught:
            provider.token()
        assert_nothing_shows(one, records, caught.value)
    for path in tmp_path.rglob("*"):
        assert is_clean(str(path))
        assert path.is_dir() or b"MARKER" not in path.read_bytes()
