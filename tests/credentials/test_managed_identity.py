from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from typing import Any

import pytest

from authority import stub
from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.engine.clock import SYSTEM_CLOCK
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
)
from entra_tokens.request import TokenRequest
from entra_tokens.testing import ManualClock

ASK = TokenRequest(("api://app/.default",))
HEADER = "header-s3cret"


def imds(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, **options: str) -> ManagedIdentity:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url + "/")
    return ManagedIdentity(**options)  # type: ignore[arg-type]


def app_service(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, **options: str) -> ManagedIdentity:
    monkeypatch.setenv("IDENTITY_ENDPOINT", metadata.url + "/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    return ManagedIdentity(**options)  # type: ignore[arg-type]


def test_imds(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    token = imds(metadata, monkeypatch).acquire(ASK)
    assert token == "access-token"
    assert token.scopes == ASK.scopes
    (asked,) = metadata.requests
    assert asked.path == "/metadata/identity/oauth2/token"
    assert asked.query == {"api-version": "2018-02-01", "resource": "api://app"}
    assert asked.headers["metadata"] == "true"
    assert "x-forwarded-for" not in asked.headers


def test_app_service(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata.on("/token", stub.Reply(body={"access_token": "t", "token_type": "Bearer", "expires_on": "4102444800"}))
    token = app_service(metadata, monkeypatch).acquire(ASK)
    assert token.expires_on == 4102444800
    (asked,) = metadata.requests
    assert asked.path == "/msi/token"
    assert asked.query == {"api-version": "2019-08-01", "resource": "api://app"}
    assert asked.headers["x-identity-header"] == HEADER
    assert "metadata" not in asked.headers


@pytest.mark.parametrize(
    ("given", "on_imds", "on_app_service"),
    [
        ({"client_id": "c"}, {"client_id": "c"}, {"client_id": "c"}),
        ({"object_id": "o"}, {"object_id": "o"}, {"principal_id": "o"}),
        ({"resource_id": "/sub/r"}, {"msi_res_id": "/sub/r"}, {"mi_res_id": "/sub/r"}),
    ],
)
def test_selectors(
    metadata: stub.Service,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    on_imds: dict[str, str],
    on_app_service: dict[str, str],
) -> None:
    imds(metadata, monkeypatch, **given).acquire(ASK)
    app_service(metadata, monkeypatch, **given).acquire(ASK)
    extra = [{k: v for k, v in r.query.items() if k not in ("api-version", "resource")} for r in metadata.requests]
    assert extra == [on_imds, on_app_service]


@pytest.mark.parametrize(
    "given",
    [
        {"client_id": "c", "resource_id": "r"},
        {"client_id": "c", "object_id": "o"},
        {"client_id": ""},
        {"resource_id": "a\nb"},
        {"timeout": -1},
    ],
)
def test_bad_input(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        ManagedIdentity(**given)  # type: ignore[arg-type]


def test_a_misspelt_keyword() -> None:
    with pytest.raises(TypeError):
        ManagedIdentity(clientid="c")  # type: ignore[call-arg]


URL = "http://localhost:1/token"
AKS = {"AZURE_AUTHORITY_HOST": "https://a/", "AZURE_TENANT_ID": "t", "AZURE_FEDERATED_TOKEN_FILE": "f"}
HOSTS = [
    (
        {"IDENTITY_ENDPOINT": "https://localhost/", "IDENTITY_HEADER": "h", "IDENTITY_SERVER_THUMBPRINT": "aB " * 20},
        "Service Fabric",
    ),
    ({"IDENTITY_ENDPOINT": URL, "IDENTITY_HEADER": "h"}, "App Service"),
    ({"IDENTITY_ENDPOINT": URL, "IDENTITY_HEADER": "h", "MSI_ENDPOINT": URL, "MSI_SECRET": "h"}, "App Service"),
    ({"IDENTITY_ENDPOINT": URL, "IMDS_ENDPOINT": "i"}, "Azure Arc"),
    ({"IDENTITY_ENDPOINT": "e"}, "IDENTITY_ENDPOINT"),
    ({"IDENTITY_ENDPOINT": "e", "MSI_ENDPOINT": URL}, "IDENTITY_ENDPOINT"),
    ({"MSI_ENDPOINT": URL, "MSI_SECRET": "s"}, "Azure Machine Learning"),
    ({"MSI_ENDPOINT": URL, "MSI_SECRET": "s", "WEBSITE_SITE_NAME": "w"}, "App Service (2017-09-01)"),
    ({"MSI_ENDPOINT": URL}, "Azure Cloud Shell"),
    ({"MSI_ENDPOINT": URL, **AKS}, "Azure Cloud Shell"),
    (AKS, "AKS workload identity"),
    ({**AKS, "AZURE_TENANT_ID": ""}, "IMDS"),
    ({}, "IMDS"),
    ({"IDENTITY_ENDPOINT": "", "MSI_ENDPOINT": ""}, "IMDS"),
]


@pytest.mark.parametrize(("variables", "name"), HOSTS, ids=lambda v: str(v)[:60])
def test_the_host_is_chosen_in_azure_identitys_order(
    variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    one = ManagedIdentity()
    assert one.host == name
    if name == "IDENTITY_ENDPOINT":
        with pytest.raises(CredentialUnavailable, match=name):
            one.acquire(ASK)


@pytest.mark.parametrize("thumbprint", ["t", "ab" * 19, "ab" * 21, "xy" * 20])
def test_a_malformed_thumbprint(thumbprint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://localhost/")
    monkeypatch.setenv("IDENTITY_HEADER", "h")
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", thumbprint)
    with pytest.raises(ConfigurationError, match="IDENTITY_SERVER_THUMBPRINT"):
        ManagedIdentity()


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "https://localhost/x", "http://u:p@localhost/", "http://a b/"])
def test_a_malformed_endpoint(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", url)
    monkeypatch.setenv("IDENTITY_HEADER", "h")
    with pytest.raises(ConfigurationError, match="IDENTITY_ENDPOINT"):
        ManagedIdentity()


def test_the_environment_counts_at_construction(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    one = app_service(metadata, monkeypatch)
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    assert one.acquire(ASK) == "access-token"
    assert ManagedIdentity().identity != one.identity


@pytest.mark.parametrize("status", [404, 500, 503])
def test_one_hiccup_is_survived(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    metadata.on("/token", stub.Reply(status, b"starting"), stub.granted())
    assert imds(metadata, monkeypatch).acquire(ASK) == "access-token"
    assert len(metadata.requests) == 2


def test_background_renewal_leaves_the_retry_to_the_engine(
    metadata: stub.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata.on("/token", stub.Reply(500, b""), stub.granted())
    with acquiring(Acquiring(may_prompt=False)), pytest.raises(AuthorityUnavailable):
        imds(metadata, monkeypatch).acquire(ASK)
    assert len(metadata.requests) == 1


HUGE = b" " * (1 << 20) + b'{"access_token": "t", "expires_in": 9}'
FAILURES = [
    (stub.Reply(429, b"", {"Retry-After": "7"}), AuthorityUnavailable, 429, 7.0, 1),
    (stub.Reply(429, b""), AuthorityUnavailable, 429, None, 1),
    (stub.Reply(410, {"error": "gone"}), AuthorityUnavailable, 410, None, 1),
    (stub.Reply(404, b""), AuthorityUnavailable, 404, None, 2),
    (stub.Reply(503, b"", {"Retry-After": "3"}), AuthorityUnavailable, 503, 3.0, 1),
    (stub.Reply(200, b"<html>"), AuthorityUnavailable, 200, None, 1),
    (stub.Reply(200, {"access_token": ""}), AuthorityUnavailable, None, None, 1),
    (
        stub.Reply(200, b" " * (1 << 20) + b'{"access_token": "t", "expires_in": 9}'),
        AuthorityUnavailable,
        None,
        None,
        1,
    ),
    (stub.Reply(302, b"", {"Location": "http://127.0.0.1:9/"}), AuthorityUnavailable, 302, None, 1),
]


@pytest.mark.parametrize(("reply", "kind", "status", "after", "requests"), FAILURES)
@pytest.mark.parametrize("place", [imds, app_service])
def test_failures(
    metadata: stub.Service,
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    reply: stub.Reply,
    kind: type[Exception],
    status: int | None,
    after: float | None,
    requests: int,
) -> None:
    metadata.on("/token", reply)
    with acquiring(Acquiring(Sleepless())), pytest.raises(kind) as caught:
        place(metadata, monkeypatch).acquire(ASK)  # type: ignore[operator]
    assert (caught.value.status, caught.value.retry_after) == (status, after)
    assert len(metadata.requests) == (1 + len(RULES.get(status, ())) if place is imds and after is None else requests)


class Sleepless(ManualClock):
    """Notes how long it was to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, seconds: float, wake: Any) -> bool:
        self.slept.append(seconds)
        return False


# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance
RULES: dict[int | None, list[float]] = {
    404: [0.5, 2, 6, 14],
    410: [0.5, 2, 6, 14, 24, 24],
    429: [0.5, 2, 6, 14],
    500: [0.5, 2, 6, 14],
    503: [0.5, 2, 6, 14],
}


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_imds_by_microsofts_rules(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Whoever waits for a first token sees it as soon as the host has one; an update takes up to 70 seconds."""
    pauses = RULES[status]
    assert (sum(pauses) >= 70) == (status == 410)
    for failures in (1, len(pauses)):
        clock = Sleepless()
        metadata.on("/token", *[stub.Reply(status, {"error": "later"})] * failures, stub.granted())
        with acquiring(Acquiring(clock)):
            assert imds(metadata, monkeypatch).acquire(ASK) == "access-token"
        assert clock.slept == pauses[:failures]
    clock = Sleepless()
    metadata.on("/token", stub.Reply(status, {"error": "later"}))
    with acquiring(Acquiring(clock)), pytest.raises(AuthorityUnavailable, match=f"HTTP {status}"):
        imds(metadata, monkeypatch).acquire(ASK)
    assert clock.slept == pauses
    metadata.requests.clear()
    with acquiring(Acquiring(clock, may_prompt=False)), pytest.raises(AuthorityUnavailable):
        imds(metadata, monkeypatch).acquire(ASK)
    metadata.on("/token", stub.Reply(status, {"error": "later"}, {"Retry-After": "5"}))
    with acquiring(Acquiring(clock)), pytest.raises(AuthorityUnavailable):
        imds(metadata, monkeypatch).acquire(ASK)
    assert len(metadata.requests) == 2, "what is the engine's is not done here, too"


@pytest.mark.parametrize("fault", ["reset", "hang", "drip"])
def test_a_sick_host(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    metadata.on("/token", stub.Reply(act=getattr(metadata, fault)))
    with pytest.raises(AuthorityUnavailable):
        imds(metadata, monkeypatch, timeout=0.4).acquire(ASK)  # type: ignore[arg-type]


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(CredentialUnavailable, match="nobody answers"):
            ManagedIdentity().acquire(ASK)
        with pytest.raises(CredentialUnavailable):
            ManagedIdentity().probe()


def test_docker_desktop(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata.on("/token", stub.Reply(403, b"A socket operation was attempted to an unreachable network"))
    with pytest.raises(CredentialUnavailable):
        imds(metadata, monkeypatch).acquire(ASK)
    with pytest.raises(CredentialUnavailable):
        imds(metadata, monkeypatch).probe()


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_request", "error_description": "Identity not found"},
        {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found for specified ClientId"},
    ],
)
def test_an_identity_that_is_not_assigned(
    metadata: stub.Service, monkeypatch: pytest.MonkeyPatch, body: dict[str, object]
) -> None:
    metadata.on("/token", stub.Reply(400, body))
    with pytest.raises(AuthenticationFailed, match="assign it"):
        imds(metadata, monkeypatch, client_id="c").acquire(ASK)


def test_the_probe_sends_no_metadata_header(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata.on("/token", stub.Reply(400, {"error": "bad_request_102"}))
    imds(metadata, monkeypatch).probe()
    assert "metadata" not in metadata.requests[0].headers


def test_the_probe_takes_a_second_at_most(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers at 169.254.169.254 without an end holds a chain up no longer."""
    metadata.on("/token", stub.Reply(act=metadata.drip))
    identity, started = imds(metadata, monkeypatch), SYSTEM_CLOCK.boot()
    with pytest.raises(CredentialUnavailable, match="not an Azure virtual machine"):
        identity.probe()
    assert 0.4 < SYSTEM_CLOCK.boot() - started < 3, "1 s, and what a busy machine adds"


def test_a_proxy_is_never_used(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert app_service(metadata, monkeypatch).acquire(ASK) == "access-token"


def test_what_cannot_be_sent_is_not(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", metadata.url + "/token")
    monkeypatch.setenv("IDENTITY_HEADER", "MARKER\r\nX: y")
    with pytest.raises(ConfigurationError, match="a header holds") as caught:
        ManagedIdentity().acquire(TokenRequest(("api://app/.default",)))
    assert "MARKER" not in str(caught.value)
    assert metadata.requests == []


def test_several_scopes(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError):
        imds(metadata, monkeypatch).acquire(TokenRequest(("api://a/.default", "api://b/.default")))


def test_it_pickles(metadata: stub.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    one = imds(metadata, monkeypatch, client_id="c")
    assert pickle.loads(pickle.dumps(one)) == one


def test_nothing_heavy_is_imported(metadata: stub.Service) -> None:
    code = (
        "import sys; from entra_tokens.credentials.managed_identity import ManagedIdentity as M;"
        "from entra_tokens.request import TokenRequest as R;"
        "assert M().acquire(R(('api://x/.default',))) == 'access-token';"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'msal','httpx','httpcore','azure','requests',"
        "'ssl','email','pathlib','stringprep'}))"  # rows 21 and 22 of the bench
    )
    environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": metadata.url, "PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
