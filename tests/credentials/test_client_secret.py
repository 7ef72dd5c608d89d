from __future__ import annotations

import os
import pickle
import ssl
import threading
from contextlib import suppress

import pytest

from authority import stub
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    ConsentRequired,
    InteractionRequired,
    InvalidCredential,
)
from entra_tokens.request import TokenRequest

SECRET = "s3cret~VALUE+with/odd chars"
ASK = TokenRequest(("api://app/.default",))


def credential(entra: stub.Service, ca: object, **options: object) -> ClientSecret:
    return ClientSecret("tenant.example", "client-1", SECRET, authority=entra.url, verify=ca, **options)  # type: ignore[arg-type]


def test_one_acquisition_is_one_token_request(entra: stub.Service, ca: str) -> None:
    one = credential(entra, ca)
    token = one.acquire(ASK)
    assert token == "access-token"
    assert token.scopes == ("api://app/.default",)
    assert [r.method for r in entra.requests] == ["GET", "POST"]
    form = entra.seen("/token")[0].form
    assert form["grant_type"] == "client_credentials"
    assert form["client_secret"] == SECRET
    assert form["scope"] == "api://app/.default"


def test_nothing_is_cached_below_the_engine(entra: stub.Service, ca: str) -> None:
    one = credential(entra, ca)
    for _ in range(3):
        one.acquire(ASK)
    assert len(entra.seen("/token")) == 3
    assert len(entra.seen("openid-configuration")) == 1


def test_a_refusal_is_not_replayed(entra: stub.Service, ca: str) -> None:
    entra.on("/token", stub.Reply(400, {"error": "invalid_scope"}), stub.granted())
    one = credential(entra, ca)
    with pytest.raises(AuthenticationFailed):
        one.acquire(ASK)
    assert one.acquire(ASK) == "access-token"


def test_the_life_counts_from_the_question(entra: stub.Service, ca: str) -> None:
    entra.on("/token", stub.granted(expires_in=3600, refresh_in="1800"))
    token = credential(entra, ca).acquire(ASK)
    assert token.refresh_on is not None
    assert token.expires_on - token.refresh_on == pytest.approx(1800)


@pytest.mark.parametrize("junk", ["soon", -5, None, True, [], 10**400], ids=repr)
def test_a_junk_refresh_in_is_ignored(entra: stub.Service, ca: str, junk: object) -> None:
    entra.on("/token", stub.granted(refresh_in=junk))
    assert credential(entra, ca).acquire(ASK).refresh_on is None


def test_claims_and_cae_go_out(entra: stub.Service, ca: str) -> None:
    one = credential(entra, ca)
    one.acquire(TokenRequest(ASK.scopes, claims='{"access_token":{"nbf":{"essential":true}}}', enable_cae=True))
    claims = entra.seen("/token")[0].form["claims"]
    assert "nbf" in claims
    assert "CP1" in claims
    with pytest.raises(ConfigurationError, match="JSON"):
        one.acquire(TokenRequest(ASK.scopes, claims="no json"))
    for nonsense in ("[" * 100_000, '{"access_token": null}'):
        with pytest.raises(ConfigurationError, match="claims"):
            one.acquire(TokenRequest(ASK.scopes, claims=nonsense, enable_cae=True))


def test_another_tenant_goes_into_the_address(entra: stub.Service, ca: str) -> None:
    one = credential(entra, ca)
    one.acquire(TokenRequest(ASK.scopes, tenant_id="other.example"))
    assert entra.seen("openid-configuration")[0].path.startswith("/other.example/")


def test_a_callable_is_asked_each_time(entra: stub.Service, ca: str) -> None:
    secrets = iter(["first-secret", "second-secret"])
    one = ClientSecret("t.example", "c", lambda: next(secrets), authority=entra.url, verify=ca)
    one.acquire(ASK)
    one.acquire(ASK)
    assert [r.form["client_secret"] for r in entra.seen("/token")] == ["first-secret", "second-secret"]
    with pytest.raises(ConfigurationError, match="StopIteration"):
        one.acquire(ASK)


def test_threads_that_start_together(entra: stub.Service, ca: str) -> None:
    one = credential(entra, ca)
    start = threading.Barrier(8)
    outcomes: list[object] = []

    def ask(number: int) -> None:
        start.wait()
        try:
            outcomes.append(str(one.acquire(TokenRequest((f"api://app{number}/.default",)))))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["access-token"] * 8


REFUSALS = [
    ({"error": "invalid_client", "error_codes": [7000215]}, 401, InvalidCredential),
    ({"error": "unauthorized_client", "error_codes": [700016]}, 400, InvalidCredential),
    ({"error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001]}, 400, ConsentRequired),
    ({"error": "interaction_required", "error_codes": [50076], "claims": "{}"}, 400, InteractionRequired),
    ({"error": "invalid_grant", "error_codes": [53003]}, 400, AuthenticationFailed),
    ({"error": "invalid_resource", "error_codes": [500011]}, 400, AuthenticationFailed),
    ({"error": "temporarily_unavailable"}, 400, AuthorityUnavailable),
    ({"error": "server_error", "error_codes": [90033]}, 400, AuthorityUnavailable),
]


@pytest.mark.parametrize(("body", "status", "kind"), REFUSALS, ids=lambda v: str(v)[:40])
def test_refusals(entra: stub.Service, ca: str, body: dict[str, object], status: int, kind: type[Exception]) -> None:
    entra.on("/token", stub.Reply(status, {**body, "error_description": "AADSTS1: no", "correlation_id": "c-1"}))
    with pytest.raises(kind) as caught:
        credential(entra, ca).acquire(ASK)
    assert type(caught.value) is kind
    assert "client-1" in str(caught.value)
    assert "c-1" in str(caught.value)


def test_a_refusal_says_what_to_do(entra: stub.Service, ca: str) -> None:
    entra.on("/token", stub.Reply(401, {"error": "invalid_client", "error_codes": [7000215]}))
    with pytest.raises(InvalidCredential) as caught:
        credential(entra, ca).acquire(ASK)
    assert caught.value.error == "invalid_client"
    assert caught.value.codes == (7000215,)
    assert "Secret ID" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value


BOTH_WAYS = [(name, "/token") for name in stub.UNUSABLE] + [
    (name, "openid-configuration") for name, reply in stub.UNUSABLE.items() if isinstance(reply.body, bytes)
]


@pytest.mark.parametrize(("name", "where"), BOTH_WAYS)
def test_no_usable_answer(entra: stub.Service, ca: str, name: str, where: str) -> None:
    good = entra.script[where]
    entra.on(where, stub.UNUSABLE[name])
    one = credential(entra, ca)
    with pytest.raises(AuthorityUnavailable) as caught:
        one.acquire(ASK)
    if stub.UNUSABLE[name].status in (429, 503, 500):
        assert caught.value.status == stub.UNUSABLE[name].status
        after = stub.UNUSABLE[name].headers.get("Retry-After")
        assert caught.value.retry_after == (float(after) if after else None)
        assert ("throttling" in str(caught.value)) is (stub.UNUSABLE[name].status == 429)
    entra.script[where] = good
    assert one.acquire(ASK) == "access-token"


@pytest.mark.parametrize("where", ["/token", "openid-configuration"])
@pytest.mark.parametrize("fault", ["reset", "hang", "drip"])
def test_a_sick_network(entra: stub.Service, ca: str, fault: str, where: str) -> None:
    good = entra.script[where]
    entra.on(where, stub.Reply(act=getattr(entra, fault)))
    one = credential(entra, ca, timeout=0.5)
    with pytest.raises(AuthorityUnavailable, match="cannot be reached"):
        one.acquire(ASK)
    entra.script[where] = good
    for _ in range(20):  # half a second may be too little for a machine that is busy
        with suppress(AuthorityUnavailable):
            assert one.acquire(ASK) == "access-token"
            break
    else:
        raise AssertionError("it does not recover")


def test_nobody_there(ca: str) -> None:
    with pytest.raises(AuthorityUnavailable, match="refused"):
        ClientSecret("t.example", "c", "secret", authority="https://127.0.0.1:1", verify=ca).acquire(ASK)


def test_a_foreign_token_endpoint_gets_nothing(entra: stub.Service, ca: str) -> None:
    with stub.running(tls=True) as thief:
        good = entra.discovery()
        entra.on("openid-configuration", stub.Reply(body=entra.discovery(f"{thief.url}/tenant/oauth2/v2.0/token")))
        one = credential(entra, ca)
        with pytest.raises(AuthorityUnavailable, match="another origin"):
            one.acquire(ASK)
        assert not thief.requests
        entra.on("openid-configuration", stub.Reply(body=good))
        assert one.acquire(ASK) == "access-token"


def test_an_unknown_tenant_is_refused_at_the_discovery(entra: stub.Service, ca: str) -> None:
    entra.on("openid-configuration", stub.Reply(400, {"error": "invalid_tenant", "error_codes": [90002]}))
    with pytest.raises(AuthenticationFailed, match="AADSTS90002"):
        credential(entra, ca).acquire(ASK)


def test_an_untrusted_certificate_names_the_remedy(entra: stub.Service) -> None:
    with pytest.raises(AuthorityUnavailable, match="verify="):
        credential(entra, True).acquire(ASK)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_environments_ca(entra: stub.Service, ca: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, ca)
    assert credential(entra, True).acquire(ASK) == "access-token"


def test_verify_wins_over_the_environment(entra: stub.Service, ca: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert credential(entra, ca).acquire(ASK) == "access-token"
    assert credential(entra, False).acquire(ASK) == "access-token"
    assert credential(entra, ssl.create_default_context(cafile=ca)).acquire(ASK) == "access-token"
    with pytest.raises(ConfigurationError, match="/nowhere"):
        credential(entra, True).acquire(ASK)


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "other.example"},
        {"client_id": "other"},
        {"client_secret": "other"},
        {"authority": "https://other.example"},
        {"verify": False},
        {"verify": "/some/ca.pem"},
        {"verify": ssl.create_default_context()},
        {"proxy": "http://proxy:1"},
    ],
    ids=["tenant", "client", "secret", "authority", "unverified", "ca file", "ssl context", "proxy"],
)
def test_identity_tells_apart(change: dict[str, object]) -> None:
    given: dict[str, object] = {"tenant_id": "t.example", "client_id": "c", "client_secret": "secret"}
    one, same = ClientSecret(**given), ClientSecret(**given)  # type: ignore[arg-type]
    assert one.identity == same.identity
    assert one == same
    assert ClientSecret(**{**given, **change}).identity != one.identity  # type: ignore[arg-type]
    assert all(isinstance(part, str) and part != "secret" for part in one.identity)


BAD = [
    {"tenant_id": ""},
    {"tenant_id": "a/b"},
    {"tenant_id": ".."},
    {"tenant_id": "organizations"},
    {"client_id": ""},
    {"client_id": "a\nb"},
    {"client_secret": ""},
    {"client_secret": "  "},
    {"client_secret": None},
    {"authority": "http://login.example"},
    {"authority": "https://login.example/../x"},
    {"authority": "https://user@login.example"},
    {"authority": ""},
    {"timeout": 0},
    {"timeout": "10"},
    {"proxy": "ftp://x"},
    {"verify": None},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_bad_input(change: dict[str, object]) -> None:
    given: dict[str, object] = {"tenant_id": "t.example", "client_id": "c", "client_secret": "secret"}
    with pytest.raises(ConfigurationError):
        ClientSecret(**{**given, **change})  # type: ignore[arg-type]


def test_a_misspelt_keyword() -> None:
    with pytest.raises(TypeError):
        ClientSecret("t.example", "c", "s", autority="https://x")  # type: ignore[call-arg]


def test_it_does_not_pickle() -> None:
    with pytest.raises(TypeError, match="ManagedIdentity"):
        pickle.dumps(ClientSecret("t.example", "c", "secret"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the service's own threads
def test_a_forked_child_connects_for_itself(entra: stub.Service, ca: str) -> None:
    one = credential(entra, ca)
    one.acquire(ASK)
    child = os.fork()
    if child == 0:
        try:
            good = one.acquire(ASK) == "access-token"
        finally:
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert one.acquire(ASK) == "access-token"
