"""Client assertions of outside providers: compared exactly, and refused by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from .test_certificate import present

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from .conftest import Caller


def codes(caller: Caller, assertion: str, **form: str | None) -> list[int] | None:
    numbers: list[int] | None = present(caller, assertion, **form).json().get("error_codes")
    return numbers


def test_the_default_subject_is_trusted_and_any_other_once_named(e: Emulator, caller: Caller) -> None:
    assert codes(caller, e.federated_token()) is None
    assert codes(caller, e.federated_token("another")) == [700213]
    e.trust_subject("another")
    assert codes(caller, e.federated_token("another")) is None


@pytest.mark.parametrize("place", ["workload_identity", "github_actions", "azure_pipelines"])
def test_the_hosts_of_workloads_are_trusted(e: Emulator, caller: Caller, place: str) -> None:
    names = {"workload_identity": "kubernetes", "github_actions": "github", "azure_pipelines": "pipelines"}
    issuer = e._world.hosting.outside[names[place]]
    assert codes(caller, issuer.token("api://AzureADTokenExchange", 300)) is None
    assert codes(caller, issuer.token("api://AzureADTokenExchange", 300, "somebody-else")) == [700213]


@pytest.mark.parametrize(
    ("claims", "code", "named"),
    [
        ({"iss": "https://elsewhere.example"}, 700211, "issuer 'https://elsewhere.example'"),
        ({"subject": "Emulated-Workload"}, 700213, "subject 'Emulated-Workload'"),
        ({"audience": "api://azureadtokenexchange"}, 700212, "audience 'api://azureadtokenexchange'"),
        ({"lifetime": -600}, 700024, "expiry time"),
        ({"lifetime": 26 * 3600}, 70023, ""),
        ({"iat": None}, 70023, ""),
    ],
    ids=str,
)
def test_each_part_is_compared_exactly(
    e: Emulator, caller: Caller, claims: dict[str, Any], code: int, named: str
) -> None:
    response = present(caller, e.federated_token(**claims))
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (401, "invalid_client", [code])
    assert named in body["error_description"]


def test_an_application_that_trusts_nobody(e: Emulator, caller: Caller) -> None:
    other = e.register_application()
    assert codes(caller, e.federated_token(), client_id=other.client_id) == [70025]


def test_a_signature_of_somebody_else(e: Emulator, caller: Caller) -> None:
    token = e.federated_token()
    assert codes(caller, token[:-8] + "AAAAAAAA") == [700027]
    claims = jwt.decode(token, options={"verify_signature": False})
    own = rsa.generate_private_key(65537, 2048)
    assert codes(caller, jwt.encode(claims, own, "RS256", {"kid": "mine"})) == [700027]


def test_a_provider_of_ones_own(e: Emulator, caller: Caller) -> None:
    key, issuer, now = rsa.generate_private_key(65537, 2048), "https://idp.example", int(e.now())
    claims = {"iss": issuer, "sub": "job", "aud": "api://AzureADTokenExchange", "iat": now, "exp": now + 60}
    assertion = jwt.encode(claims, key, "RS256", {"kid": "1"})
    e.trust_subject("job", issuer)
    assert codes(caller, assertion) == [90061]
    e.trust_issuer(
        issuer, {"keys": [{**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "1"}]}
    )
    assert codes(caller, assertion) is None
    assert codes(caller, jwt.encode(claims, key, "PS256", {"kid": "1"})) == [700027]


def test_a_managed_identity_as_the_credential(e: Emulator, caller: Caller) -> None:
    identity = e.directory.system_identity
    world = e._world
    assertion = world.issuer.for_identity("api://AzureADTokenExchange", identity).value
    e.trust_subject(identity.object_id, e.issuer)
    assert codes(caller, assertion) is None
    e.trust_subject(jwt.decode(users(e), options={"verify_signature": False})["sub"], e.issuer)
    assert codes(caller, users(e)) == [700229]


def users(e: Emulator) -> str:
    return e._world.issuer.for_user("api://AzureADTokenExchange", "read").value


def test_the_providers_documents(e: Emulator, caller: Caller) -> None:
    token = e.federated_token()
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    document = caller.http.get(f"{issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == issuer
    keys = jwt.PyJWKSet.from_dict(caller.http.get(document["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], audience="api://AzureADTokenExchange", issuer=issuer)
