"""IMDS and App Service: what they give, and how they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator


@pytest.fixture
def http(e: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=e.managed_identity_url, trust_env=False) as client:
        yield client


IMDS = "/metadata/identity/oauth2/token"
GOOD = {"api-version": "2018-02-01", "resource": "https://vault.azure.net"}


def imds(http: httpx.Client, params: object = None, headers: dict[str, str] | None = None) -> httpx.Response:
    return http.get(IMDS, params=params or GOOD, headers={"Metadata": "true"} if headers is None else headers)  # type: ignore[arg-type]


def test_imds_answers_in_strings(http: httpx.Client) -> None:
    body = imds(http).json()
    assert set(body) == {
        "access_token",
        "client_id",
        "expires_in",
        "expires_on",
        "ext_expires_in",
        "not_before",
        "resource",
        "token_type",
    }
    assert all(isinstance(value, str) for value in body.values())


@pytest.mark.parametrize(
    ("params", "headers", "text"),
    [
        (GOOD, {}, "Required metadata header not specified"),
        (GOOD, {"Metadata": "true", "X-Forwarded-For": "10.0.0.1"}, "X-Forwarded-For"),
        ({"resource": "r"}, None, "api-version was not specified"),
        ({"resource": "r", "api-version": "1999"}, None, "api-version was not supported"),
        ({"api-version": "2018-02-01"}, None, "resource"),
        ([*GOOD.items(), ("resource", "again")], None, "Multiple values"),
        ({**GOOD, "client_id": "00000000-0000-4000-8000-000000000000"}, None, "Identity not found"),
    ],
)
def test_imds_refuses(http: httpx.Client, params: object, headers: dict[str, str] | None, text: str) -> None:
    response = imds(http, params, headers)
    assert response.status_code == 400
    assert text in response.text


def test_imds_knows_an_identity_by_each_name(e: Emulator, http: httpx.Client) -> None:
    mine = e.directory.assigned_identity
    for name, value in (
        ("client_id", mine.client_id),
        ("object_id", mine.object_id),
        ("msi_res_id", mine.resource_id),
    ):
        assert imds(http, {**GOOD, name: value}).json()["client_id"] == mine.client_id
    assert imds(http).json()["client_id"] == e.directory.system_identity.client_id


def test_app_service(e: Emulator, http: httpx.Client) -> None:
    variables = e.environ("app_service")
    headers = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]}
    params = {"api-version": "2019-08-01", "resource": "https://vault.azure.net"}
    body = http.get(variables["IDENTITY_ENDPOINT"], params=params, headers=headers).json()
    assert "expires_in" not in body
    assert body["expires_on"].isdigit()
    assert http.get(variables["IDENTITY_ENDPOINT"], params=params).status_code == 401
    unknown = http.get(variables["IDENTITY_ENDPOINT"], params={**params, "client_id": "x"}, headers=headers)
    assert unknown.status_code == 400
    assert unknown.json()["statusCode"] == 400
    principal = {**params, "principal_id": e.directory.assigned_identity.object_id}
    named = http.get(variables["IDENTITY_ENDPOINT"], params=principal, headers=headers).json()
    assert named["client_id"] == e.directory.assigned_identity.client_id


def test_they_count_as_token_requests(e: Emulator, http: httpx.Client) -> None:
    imds(http)
    (record,) = e.token_requests
    assert (record.target, record.grant, record.form["resource"]) == ("imds", "managed_identity", GOOD["resource"])
