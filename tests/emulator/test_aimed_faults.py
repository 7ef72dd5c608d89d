"""Faults for one tenant, client or scope; what Entra's own troubles look like; and what is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .conftest import Caller

GRAPH = "https://graph.microsoft.com/.default"


def test_one_tenant(e: Emulator, caller: Caller) -> None:
    second = e.register_tenant("second.example")
    e.fail("authority", error=90033, tenant=second)
    assert caller.token().status_code == 200
    assert caller.token(second).status_code == 503
    assert caller.token("second.example").status_code == 503
    url = "{}/{}/v2.0/.well-known/openid-configuration"
    assert caller.http.get(url.format(e.authority, second)).status_code == 503
    assert caller.http.get(url.format(e.authority, e.tenant_id)).status_code == 200


def test_one_client(e: Emulator, caller: Caller) -> None:
    other = e.register_application()
    e.fail("token", error=7000222, client_id=other.client_id)
    assert caller.token().status_code == 200
    body = caller.token(client_id=other.client_id, client_secret=other.client_secret).json()
    assert body["error_codes"] == [7000222]
    assert other.client_id in body["error_description"]
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": GRAPH}
    basic = caller.http.post(url, data=form, auth=(other.client_id, other.client_secret.replace("~", "%7E")))
    assert basic.json()["error_codes"] == [7000222]


def test_one_scope_by_any_of_its_names(e: Emulator, caller: Caller) -> None:
    for name in ("https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH):
        with e.fail("token", status=429, scope=name) as fault:
            assert caller.token().status_code == 200
            assert caller.token(scope=GRAPH).status_code == 429
            assert fault.met == 1


def test_everything_that_is_set_has_to_fit_and_counts_apart(e: Emulator, caller: Caller) -> None:
    e.fail("token", status=500, times=1, scope=GRAPH, client_id=e.client_id, tenant=e.tenant_id)
    e.fail("token", status=502, share=0.5, scope=GRAPH)
    statuses = [caller.token(scope=scope).status_code for scope in (None, e.h2ogpte_scope, GRAPH, GRAPH, GRAPH)]
    assert statuses == [400, 200, 500, 200, 502]
    e.heal()
    e.fail("token", status=503, seconds=30, scope=GRAPH)
    assert caller.token(scope=GRAPH).status_code == 503
    e.advance(31)
    assert caller.token(scope=GRAPH).status_code == 200


def test_one_identity_on_a_host(e: Emulator, caller: Caller) -> None:
    mine, other = e.identities.assign(), e.identities.assign()
    e.fail("managed_identity", status=500, client_id=mine.client_id, scope="https://vault.azure.net")

    def status(client_id: str, resource: str = "https://vault.azure.net") -> int:
        query = {"api-version": "2018-02-01", "client_id": client_id, "resource": resource}
        address = f"{e.managed_identity_url}/metadata/identity/oauth2/token"
        return caller.http.get(address, params=query, headers={"Metadata": "true"}).status_code

    assert [status(mine.client_id), status(other.client_id)] == [500, 200]
    assert status(mine.client_id, "https://management.azure.com") == 200


def test_one_caller_of_the_front(e: Emulator, caller: Caller) -> None:
    other = e.register_application()
    form = {"client_id": other.client_id, "client_secret": other.client_secret}
    e.fail("h2ogpte", status=401, client_id=other.client_id, tenant=e.tenant_id, scope=e.h2ogpte_scope)
    tokens = [caller.access_token(), caller.token(**form).json()["access_token"], "no token", "a.b.c"]
    answers = [
        caller.http.get(f"{e.h2ogpte_url}/rpc/meta", headers={"Authorization": f"Bearer-AD {token}"})
        for token in tokens
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    assert [record.fault for record in e.front.arrivals] == ["", "status 401", "", ""]


def test_a_refused_connection_has_no_tenant(e: Emulator) -> None:
    with pytest.raises(ValueError, match="refused"):
        e.fail("token", fault="refuse", tenant=e.tenant_id)


@pytest.mark.parametrize(
    ("code", "status", "error", "suberror", "has_uri", "has_claims"),
    [
        (7000215, 401, "invalid_client", None, True, False),
        (7000222, 401, "invalid_client", None, True, False),
        (700024, 401, "invalid_client", None, True, False),
        (700016, 400, "unauthorized_client", None, True, False),
        (90002, 400, "invalid_request", None, True, False),
        (65001, 400, "invalid_grant", "consent_required", False, False),
        (50076, 400, "interaction_required", "basic_action", True, True),
        (53003, 400, "invalid_grant", "message_only", False, True),
        (70011, 400, "invalid_scope", None, False, False),
        (1002012, 400, "invalid_scope", None, False, False),
        (50196, 400, "invalid_grant", None, True, False),
        (90033, 503, "temporarily_unavailable", None, True, False),
        (50173, 400, "invalid_grant", "bad_token", True, False),
        (70043, 400, "invalid_grant", "token_expired", False, False),
    ],
)
def test_each_refusal_by_its_number(
    e: Emulator,
    caller: Caller,
    code: int,
    status: int,
    error: str,
    suberror: str | None,
    has_uri: bool,
    has_claims: bool,
) -> None:
    e.fail("token", error=code, times=1)
    response = caller.token()
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert "{" not in body["error_description"]
    assert (body.get("suberror"), "error_uri" in body, "claims" in body) == (suberror, has_uri, has_claims)
    assert caller.token().status_code == 200


def test_policy_has_another_name_for_users(e: Emulator, caller: Caller) -> None:
    e.fail("token", error=53003)
    form = {"grant_type": "refresh_token", "refresh_token": "any", "client_secret": None}
    assert caller.token(**form).json()["error"] == "interaction_required"
    assert caller.token().json()["error"] == "invalid_grant"


def test_clock_skew_names_the_times(e: Emulator, caller: Caller) -> None:
    e.fail("token", error=700024)
    text = caller.token().json()["error_description"]
    assert "Current time: 20" in text
    assert "expiry time of assertion 20" in text


@pytest.mark.parametrize(("headers", "after"), [({}, "60"), ({"retry-after": "7"}, "7")])
def test_throttling(e: Emulator, caller: Caller, headers: dict[str, str], after: str) -> None:
    e.fail("token", fault="throttled", headers=headers)
    response = caller.token()
    assert (response.status_code, response.text, response.headers["retry-after"]) == (429, "Too Many Requests", after)
    assert response.headers["content-type"].startswith("text/plain")


def test_a_refusal_by_switch_takes_over_the_correlation_id(e: Emulator, caller: Caller) -> None:
    e.fail("token", error=90033)
    url = f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token"
    assert caller.http.post(url, data={}, headers={"client-request-id": "mine"}).json()["correlation_id"] == "mine"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"scope": "api://a/read"}, "one '{resource}/.default'"),
        ({"grant_type": "magic"}, "client_credentials"),
        ({"client_id": "11111111-2222-4333-8444-555555555555"}, "one that is registered"),
        ({"client_secret": None}, "client_assertion"),
        ({"scope": None}, "scope in a body of the type application/x-www-form-urlencoded"),
    ],
    ids=str,
)
def test_what_was_expected_is_logged(
    caller: Caller, caplog: pytest.LogCaptureFixture, form: dict[str, Any], expected: str
) -> None:
    with caplog.at_level(logging.WARNING, "entra_tokens.emulator"):
        caller.token(**form)
    (record,) = caplog.records
    assert expected in record.getMessage()
    assert "AADSTS" in record.getMessage()


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/metadata/identity/oauth2/token", {}, "Metadata: true"),
        ("/msi/token", {}, "X-IDENTITY-HEADER"),
        ("/MSI/token/", {"secret": "planted-marker"}, "api-version=2017-09-01"),
        ("/azureml/msi/token", {}, "the header secret"),
        ("/arc/metadata/identity/oauth2/token", {"Metadata": "true"}, "an api-version of 2019-08-15"),
        ("/oauth2/token", {}, "expected POST with Metadata: true"),
        ("/metadata/instance", {}, "a path of /metadata/identity/oauth2/token, /msi/token"),
    ],
)
def test_a_host_says_what_it_expected(
    e: Emulator, caller: Caller, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str], expected: str
) -> None:
    assert caller.http.get(e.managed_identity_url + path, headers=headers).status_code >= 400
    (record,) = caplog.records
    assert expected in record.getMessage()
    assert "planted-marker" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/rpc/meta", "Bearer-AD or Bearer-Token with a token for api://"),
        ("GET", "/api/v1/moon", "/api/v1/collections"),
        ("POST", "/rpc/db", "list_recent_collections"),
    ],
)
def test_the_front_says_what_it_expected(
    e: Emulator, caller: Caller, caplog: pytest.LogCaptureFixture, method: str, path: str, expected: str
) -> None:
    token = "planted-marker" if path == "/rpc/meta" else caller.access_token()
    headers = {"Authorization": f"Bearer-AD {token}"}
    answer = caller.http.request(method, e.h2ogpte_url + path, headers=headers, json=["fly"])
    assert answer.status_code in (401, 404)
    (record,) = caplog.records
    assert expected in record.getMessage()
    assert token not in caplog.text


def test_no_secret_is_logged(e: Emulator, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "entra_tokens.emulator"):
        caller.token(client_secret="planted-marker")
        caller.token(grant_type="refresh_token", refresh_token="planted-marker")
        caller.token(client_secret=None, client_assertion="planted-marker")
    assert len(caplog.records) == 3
    assert "planted-marker" not in caplog.text


def test_waiting_is_no_news(e: Emulator, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    code = caller.device_code()
    caller.poll(code["device_code"])
    assert not caplog.records


def test_an_endpoint_that_is_not_there(e: Emulator, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    assert caller.http.get(f"{e.authority}/{e.tenant_id}/oauth2/v3.0/token").status_code == 404
    assert "there is no such endpoint" in caplog.text


FAILURES: list[dict[str, Any]] = [
    *({"error": code} for code in (7000215, 7000222, 700016, 90002, 65001, 50076, 53003, 700024, 70011)),
    *({"fault": kind} for kind in ("throttled", "reset", "close", "html", "bad_json", "empty")),
    {"status": 500},
    {"status": 503, "headers": {"Retry-After": "3"}},
]


def outcome(caller: Caller, **form: str) -> str:
    try:
        return "good" if "access_token" in caller.token(**form).json() else "bad"
    except (httpx.TransportError, ValueError):
        return "bad"


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: "-".join(map(str, each.values())))
def test_each_failure_by_each_switch(e: Emulator, caller: Caller, failure: dict[str, Any]) -> None:
    """For one request, for some, for a share, for a time; for one tenant, client or scope."""

    def outcomes(times: int) -> str:
        return " ".join(outcome(caller) for _ in range(times))

    e.fail("token", times=1, **failure)
    assert outcomes(2) == "bad good"
    e.fail("token", times=2, **failure)
    assert outcomes(3) == "bad bad good"
    with e.fail("token", share=0.5, **failure):
        assert outcomes(4) == "good bad good bad"
    e.fail("token", seconds=30, **failure)
    assert outcomes(2) == "bad bad"
    e.advance(31)
    assert outcomes(1) == "good"
    with e.fail("token", tenant=e.tenant_id, client_id=e.client_id, scope=GRAPH, **failure):
        assert (outcome(caller), outcome(caller, scope=GRAPH)) == ("good", "bad")
    assert outcomes(1) == "good"
