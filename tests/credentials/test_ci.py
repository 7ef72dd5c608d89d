"""GitHubActions and AzurePipelines: the job's token, and what it is exchanged for."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from entra_tokens.authority.ci_tokens import exchange_audience
from entra_tokens.credentials.azure_pipelines import AzurePipelines
from entra_tokens.credentials.github_actions import GitHubActions
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
    InvalidCredential,
)
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))
PLACES = {"github_actions": GitHubActions, "azure_pipelines": AzurePipelines}
EXCHANGE = "api://AzureADTokenExchange"
Make = Any


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(e: Emulator, place: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The credential of this place, with its variables set but for these changes."""

    def made(environ: dict[str, str] | None = None, **options: Any) -> Any:
        for name, value in {**e.environ(place), **(environ or {})}.items():
            monkeypatch.setenv(name, value)
        return PLACES[place](e.tenant_id, e.client_id, **{"verify": e.ca_file, **options})

    return made


def test_the_exchange(e: Emulator, make: Make, place: str) -> None:
    one = make()
    assert not e.requests
    token = one.acquire(ASK)
    assert token.claims().get("azp", token.claims().get("appid")) == e.client_id
    asked = e.requests[0]
    assert asked.headers["authorization"].startswith("Bearer ")
    if place == "azure_pipelines":
        assert asked.method == "POST"
        assert asked.headers["x-tfs-fedauthredirect"] == "Suppress"
    assert e.token_requests[-1].form["client_assertion"].count(".") == 2


def test_the_jobs_token_is_asked_anew_at_every_exchange(e: Emulator, make: Make) -> None:
    one = make()
    one.acquire(ASK)
    before = len(e.requests)
    e.advance(1)
    one.acquire(ASK)
    assert len(e.requests) - before == 2
    first, second = (record.form["client_assertion"] for record in e.token_requests)
    assert first != second


def test_elsewhere_it_is_unavailable(place: str) -> None:
    connection = ["connection"] if place == "azure_pipelines" else []
    one = PLACES[place]("t.example", "c", *connection)
    with pytest.raises(CredentialUnavailable, match="not set"):
        one.acquire(ASK)


TOKENS = {"github_actions": "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "azure_pipelines": "SYSTEM_ACCESSTOKEN"}
URLS = {"github_actions": "ACTIONS_ID_TOKEN_REQUEST_URL", "azure_pipelines": "SYSTEM_OIDCREQUESTURI"}


def test_a_wrong_access_token(e: Emulator, make: Make, place: str) -> None:
    one = make({TOKENS[place]: "MARKER-wrong"})
    with pytest.raises(InvalidCredential, match=r"HTTP 401.*(id-token: write|SYSTEM_ACCESSTOKEN)") as caught:
        one.acquire(ASK)
    assert "MARKER" not in str(caught.value) + repr(one) + repr(vars(one)) + repr(one.identity)
    assert not e.token_requests


def test_no_access_token_is_mapped_in(make: Make, place: str) -> None:
    kind = ConfigurationError if place == "azure_pipelines" else CredentialUnavailable
    with pytest.raises(kind, match=r"id-token: write|System.AccessToken"):
        make({TOKENS[place]: ""}).acquire(ASK)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "https://u:MARKER@h/", "nonsense", "https://h:0/", "https://a b/"]
)
def test_an_address_that_is_not_https(make: Make, place: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=URLS[place]) as caught:
        make({URLS[place]: url})
    assert "MARKER" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (stub.Reply(302, b"", {"Location": "https://127.0.0.1:9/signin"}), InvalidCredential, "access token"),
        (stub.Reply(203, b"<html>sign in"), InvalidCredential, "access token"),
        (stub.Reply(403, {"message": "no MARKER token=MARKER"}), InvalidCredential, "HTTP 403"),
        (stub.Reply(404, {"message": "no such connection"}), AuthenticationFailed, "no such connection"),
        (stub.Reply(500, b"<html>"), AuthorityUnavailable, "HTTP 500"),
        (stub.Reply(429, b"", {"Retry-After": "9"}), AuthorityUnavailable, "HTTP 429"),
        (stub.Reply(200, {"count": 3}), AuthorityUnavailable, "no token"),
        (stub.Reply(200, {"value": "é", "oidcToken": "é"}), AuthorityUnavailable, "no token"),
    ],
    ids=lambda v: str(getattr(v, "status", "")),
)
def test_the_service_says_no(
    entra: stub.Service, ca: str, make: Make, place: str, reply: stub.Reply, kind: type[EntraTokensError], said: str
) -> None:
    entra.on("/job", reply)
    one = make({URLS[place]: f"{entra.url}/job?x=1"}, verify=ca)
    with pytest.raises(kind, match=said) as caught:
        one.acquire(ASK)
    assert type(caught.value) is kind
    assert caught.value.__context__ is None
    assert not [each for each in entra.requests if "job" not in each.path], "followed"


def test_a_down_service(make: Make, place: str) -> None:
    with pytest.raises(AuthorityUnavailable, match="cannot be reached"):
        make({URLS[place]: "https://127.0.0.1:1/x"}).acquire(ASK)


def test_entra_does_not_trust_the_workflow(e: Emulator, make: Make) -> None:
    e.fail("token", error=700213, times=1)
    with pytest.raises(InvalidCredential, match="AADSTS700213"):
        make().acquire(ASK)


def test_the_audience_of_each_cloud(e: Emulator, entra: stub.Service, ca: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert exchange_audience("https://login.microsoftonline.com") == EXCHANGE
    assert exchange_audience("https://login.microsoftonline.us") == EXCHANGE + "USGov"
    assert exchange_audience("https://login.partner.microsoftonline.cn") == EXCHANGE + "China"
    # What is asked for at GitHub's, before the authority is.
    entra.on("/job", stub.Reply(401, {"message": "no"}))
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{entra.url}/job")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t")
    for authority in ("https://login.microsoftonline.us", "https://login.chinacloudapi.cn", None):
        with pytest.raises(InvalidCredential):
            GitHubActions("t.example", "c", authority=authority, verify=ca).acquire(ASK)
    assert [each.query["audience"] for each in entra.requests] == [EXCHANGE + "USGov", EXCHANGE + "China", EXCHANGE]


def test_identity_and_pickling(e: Emulator, make: Make, place: str) -> None:
    one = make()
    assert one == make()
    assert one != make({TOKENS[place]: "other"})
    key = b"k" * 32
    assert one.identity_under(key) == make().identity_under(key) != one.identity
    copied = pickle.loads(pickle.dumps(make()))
    assert copied == one
    assert e.environ(place)[TOKENS[place]].encode() not in pickle.dumps(one)
    assert copied.acquire(ASK)


def test_a_given_access_token_does_not_pickle(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = e.environ("azure_pipelines")
    token = variables.pop("SYSTEM_ACCESSTOKEN")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    one = AzurePipelines(e.tenant_id, e.client_id, system_access_token=token, verify=e.ca_file)
    assert one.acquire(ASK)
    with pytest.raises(TypeError, match="ManagedIdentity"):
        pickle.dumps(one)


@pytest.mark.parametrize(
    "change", [{"service_connection_id": ""}, {"service_connection_id": "a&b"}, {"system_access_token": " "}], ids=str
)
def test_bad_input(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        AzurePipelines("t.example", "c", **{"service_connection_id": "s", **change})
    with pytest.raises(ConfigurationError, match="service_connection_id"):
        AzurePipelines("t.example", "c")
