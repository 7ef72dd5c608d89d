from __future__ import annotations

import asyncio
import multiprocessing
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from emulator.places import SCOPE, at
from entra_tokens import TokenProvider
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.credentials.workload_identity import WorkloadIdentity
from entra_tokens.emulator.token_proxy import SERVER_NAME
from entra_tokens.errors import AuthorityUnavailable, ConfigurationError, CredentialUnavailable, InvalidCredential
from entra_tokens.request import TokenRequest
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

ASK = TokenRequest((SCOPE,))
KINDS = pytest.mark.parametrize("kind", [WorkloadIdentity, ManagedIdentity])


@KINDS
def test_in_a_pod(e: Emulator, kind: Any) -> None:
    with at(e, "workload_identity"), fresh_engine():
        provider = TokenProvider(kind(), SCOPE)
        token = asyncio.run(provider.as_async().token())
        assert provider.token() is token
    assert token.claims()["appid" if "appid" in token.claims() else "azp"] == e.client_id
    (asked,) = e.token_requests
    assert (asked.target, asked.status) == ("token", 200)


@KINDS
def test_the_file_is_read_at_every_exchange(
    entra: stub.Service, ca: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    file = tmp_path / "token"
    for name, value in {
        "AZURE_AUTHORITY_HOST": entra.url + "/",
        "AZURE_TENANT_ID": "tenant",
        "AZURE_CLIENT_ID": "c",
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
        "SSL_CERT_FILE": ca,
    }.items():
        monkeypatch.setenv(name, value)
    one = kind()
    for text in ("first.a.b", "second.a.b\n"):
        file.write_text(text)
        one.acquire(ASK)
    assert [asked.form["client_assertion"] for asked in entra.seen("/token")] == ["first.a.b", "second.a.b"]
    assert {asked.form["client_id"] for asked in entra.seen("/token")} == {"c"}


def test_arguments_come_before_variables(e: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    with at(e, "workload_identity") as variables:
        file.write_bytes(Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_bytes())
        one = WorkloadIdentity(token_file=file)
        other = WorkloadIdentity(tenant_id="other.example", client_id="d")
    assert one.acquire(ASK)
    assert (one.tenant_id, one.client_id, one.authority) == (e.tenant_id, e.client_id, e.authority)
    assert (other.tenant_id, other.client_id) == ("other.example", "d")
    assert one.identity != other.identity
    assert one.identity_under(b"k") is not None


def test_a_managed_identity_of_a_pod_s_choice(e: Emulator) -> None:
    with at(e, "workload_identity"):
        one = ManagedIdentity(client_id="somebody-else")
        assert one.client_id == "somebody-else"
        one.probe()
        with pytest.raises(InvalidCredential):
            one.acquire(ASK)
        assert one.identity != ManagedIdentity().identity


@pytest.mark.parametrize("name", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"])
def test_what_is_missing_is_said(e: Emulator, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with at(e, "workload_identity"):
        monkeypatch.delenv(name)
        one = WorkloadIdentity()
    with pytest.raises(CredentialUnavailable, match=name):
        one.acquire(ASK)
    assert repr(one) == "WorkloadIdentity(unset)"
    assert one.authority is None


@pytest.mark.parametrize(
    "given",
    [
        {"tenant_id": "a/b"},
        {"tenant_id": "common"},
        {"tenant_id": ""},
        {"client_id": ""},
        {"client_id": "a\nb"},
        {"token_file": ""},
        {"token_file": "a\0b"},
        {"token_file": 7},
        {"authority": "http://login"},
        {"timeout": 0},
    ],
)
def test_bad_input(e: Emulator, given: dict[str, Any]) -> None:
    with at(e, "workload_identity"), pytest.raises(ConfigurationError):
        WorkloadIdentity(**given)
    with pytest.raises(TypeError):
        WorkloadIdentity(tenant="t")  # type: ignore[call-arg]


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe", b"a" * 70_000])
def test_a_file_without_a_token(e: Emulator, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with at(e, "workload_identity"):
        one = WorkloadIdentity(token_file=file)
    with pytest.raises(ConfigurationError, match="federated token file"):
        one.acquire(ASK)
    assert e.token_requests == []


def test_a_refused_token_is_not_told(entra: stub.Service, ca: str, tmp_path: Path) -> None:
    marker = "marker-of-the-assertion.a.b"
    (tmp_path / "token").write_text(marker)
    entra.on("/token", stub.Reply(401, {"error": "invalid_client", "error_description": f"AADSTS700213: {marker}"}))
    one = WorkloadIdentity(
        tenant_id="tenant", client_id="c", token_file=tmp_path / "token", authority=entra.url, verify=ca
    )
    with pytest.raises(InvalidCredential) as caught:
        one.acquire(ASK)
    assert marker not in str(caught.value) + repr(vars(caught.value)) + repr(one) + repr(one.identity)
    assert marker.encode() not in pickle.dumps(one)


@pytest.mark.parametrize(
    ("variables", "match"),
    [
        ({"SNI_NAME": "x"}, "AZURE_KUBERNETES_TOKEN_PROXY is not set"),
        ({"CA_FILE": "x"}, "AZURE_KUBERNETES_TOKEN_PROXY is not set"),
        ({"CA_DATA": "x"}, "AZURE_KUBERNETES_TOKEN_PROXY is not set"),
        ({"TOKEN_PROXY": "https://p/", "CA_FILE": "x", "CA_DATA": "y"}, "both set"),
        ({"TOKEN_PROXY": "http://p/"}, "must be an https address"),
        ({"TOKEN_PROXY": "https://u:pw@p/"}, "must be an https address"),
        ({"TOKEN_PROXY": "https://p/?q"}, "must be an https address"),
        ({"TOKEN_PROXY": "https://p/#f"}, "must be an https address"),
        ({"TOKEN_PROXY": "https://p:x/"}, "must be an https address"),
        ({"TOKEN_PROXY": "https://p/ a"}, "must be an https address"),
        ({"TOKEN_PROXY": "https:///a"}, "must be an https address"),
    ],
)
def test_variables_of_the_token_proxy_that_do_not_fit(
    e: Emulator, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], match: str
) -> None:
    with at(e, "workload_identity"):
        for name, value in variables.items():
            monkeypatch.setenv(f"AZURE_KUBERNETES_{name}", value)
        for kind in (WorkloadIdentity, ManagedIdentity):
            with pytest.raises(ConfigurationError, match=match) as caught:
                kind()
            assert "pw" not in str(caught.value)


@KINDS
def test_the_token_proxy_of_identity_bindings(e: Emulator, kind: Any) -> None:
    """As azure-identity has it (tests/emulator/test_workload_referees.py); the authority hears nothing else."""
    with at(e, "workload_identity_proxy"):
        one = kind()
        assert one.acquire(ASK).claims()["aud"]
        assert one.acquire(TokenRequest((SCOPE,), enable_cae=True))
        assert [request.target for request in e.requests] == ["token"] * 2
        assert [request.headers.get("via") for request in e.requests] == ["1.1 token-proxy"] * 2
        copied = pickle.dumps(one)
    again = pickle.loads(copied)
    if kind is WorkloadIdentity:  # the other looks where it is
        assert again == one
        assert again.acquire(ASK)


def test_no_proxy_stands_before_the_token_proxy(e: Emulator) -> None:
    with at(e, "workload_identity_proxy"):
        assert WorkloadIdentity(proxy="http://127.0.0.1:1").acquire(ASK)
    assert [request.headers.get("via") for request in e.requests] == ["1.1 token-proxy"]


def test_a_name_of_the_token_proxy_that_ends_with_the_root_s_dot(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificate holds the dot; azure-identity leaves it out as well."""
    with at(e, "workload_identity_proxy"):
        monkeypatch.setenv("AZURE_KUBERNETES_SNI_NAME", f"{SERVER_NAME}.")
        assert WorkloadIdentity().acquire(ASK)


def test_the_token_proxy_refuses(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with at(e, "workload_identity_proxy"):
        bound = WorkloadIdentity()
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", e.environ("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"])
        plain = WorkloadIdentity()
        with pytest.raises(InvalidCredential, match="AADSTS700212"):
            plain.acquire(ASK)
        monkeypatch.setenv("AZURE_KUBERNETES_SNI_NAME", "localhost")
        with pytest.raises(AuthorityUnavailable, match="AZURE_KUBERNETES_TOKEN_PROXY"):
            WorkloadIdentity().acquire(ASK)
        monkeypatch.setenv("AZURE_KUBERNETES_SNI_NAME", SERVER_NAME)
        monkeypatch.delenv("AZURE_KUBERNETES_CA_FILE")
        with pytest.raises(AuthorityUnavailable, match="certificate is not trusted"):
            WorkloadIdentity().acquire(ASK)
    assert len({bound, plain}) == 2


def test_the_certificate_of_the_token_proxy_s_authority(
    e: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with at(e, "workload_identity_proxy") as variables:
        pem = Path(variables["AZURE_KUBERNETES_CA_FILE"]).read_text()
        file = tmp_path / "ca.pem"
        monkeypatch.setenv("AZURE_KUBERNETES_CA_FILE", str(file))
        one = WorkloadIdentity()
        for content in (None, "", "no certificate"):
            if content is not None:
                file.write_text(content)
            with pytest.raises(ConfigurationError, match=r"AZURE_KUBERNETES_CA_FILE \("):
                one.acquire(ASK)
        file.write_text(pem)
        assert one.acquire(ASK)
        file.write_text("")  # it is being replaced
        assert one.acquire(ASK)
        file.write_text(Path(e.ca_file).read_text())  # another authority's, which has not signed the certificate
        with pytest.raises(AuthorityUnavailable, match="certificate is not trusted"):
            one.acquire(ASK)
        monkeypatch.delenv("AZURE_KUBERNETES_CA_FILE")
        for data in (pem, pem + pem):
            monkeypatch.setenv("AZURE_KUBERNETES_CA_DATA", data)
            assert WorkloadIdentity().acquire(ASK)
        monkeypatch.setenv("AZURE_KUBERNETES_CA_DATA", "no certificate")
        with pytest.raises(ConfigurationError, match="AZURE_KUBERNETES_CA_DATA cannot"):
            WorkloadIdentity().acquire(ASK)


def _elsewhere(one: Any) -> tuple[str, int]:
    return repr(one), one.acquire(ASK).count(".")


@KINDS
def test_another_process_takes_it(e: Emulator, kind: Any) -> None:
    with at(e, "workload_identity"):
        one = kind()
        assert pickle.loads(pickle.dumps(one)) == one
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(_elsewhere, (one,)) == (repr(one), 2)


def test_pickled_it_does_not_depend_on_the_environment(e: Emulator) -> None:
    with at(e, "workload_identity"):
        one = WorkloadIdentity()
        data = pickle.dumps(one)
    again = pickle.loads(data)
    assert again == one
    assert again.acquire(ASK)
