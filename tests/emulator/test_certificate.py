"""Client assertions that a certificate signs: what is taken, and every refusal."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from entra_tokens.emulator.signing import base64url

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Signed:
    """Assertions by the registered certificate, with anything about them changed."""

    def __init__(self, e: Emulator) -> None:
        pem = Path(e.client_certificate).read_bytes()
        self.key: Any = serialization.load_pem_private_key(pem, None)
        self.certificate = x509.load_pem_x509_certificate(pem)
        self.e = e

    def header(self, algorithm: str) -> dict[str, Any]:
        if algorithm == "PS256":
            return {"x5t#S256": base64url(self.certificate.fingerprint(hashes.SHA256()))}
        return {"x5t": base64url(self.certificate.fingerprint(hashes.SHA1()))}

    def assertion(
        self, algorithm: str = "PS256", header: dict[str, Any] | None = None, key: Any = None, **claims: Any
    ) -> str:
        now = int(self.e.now())
        usual = {
            "iss": self.e.client_id,
            "sub": self.e.client_id,
            "aud": f"{self.e.authority}/{self.e.tenant_id}/oauth2/v2.0/token",
            "nbf": now,
            "exp": now + 600,
            "jti": str(uuid.uuid4()),
        }
        content = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        headers = self.header(algorithm) if header is None else header
        return jwt.encode(content, key or self.key, algorithm=algorithm, headers=headers)


@pytest.fixture
def signed(e: Emulator) -> Signed:
    return Signed(e)


def present(caller: Caller, assertion: str, **form: str | None) -> httpx.Response:
    fields = {"client_secret": None, "client_assertion": assertion, "client_assertion_type": TYPE, **form}
    return caller.token(**fields)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("with_chain", [False, True])
def test_both_algorithms_and_thumbprints(caller: Caller, signed: Signed, algorithm: str, with_chain: bool) -> None:
    header = signed.header(algorithm)
    if with_chain:
        header["x5c"] = [base64url(signed.certificate.public_bytes(serialization.Encoding.DER))]
    response = present(caller, signed.assertion(algorithm, header))
    claims = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    assert claims["azpacr"] == "2"


@pytest.mark.parametrize("ending", ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/"])
def test_the_audience_is_the_token_endpoint_or_the_issuer(
    e: Emulator, caller: Caller, signed: Signed, ending: str
) -> None:
    assertion = signed.assertion(aud=f"{e.authority}/{e.tenant_id}{ending}")
    assert present(caller, assertion).status_code == 200


def test_five_minutes_of_leeway(e: Emulator, caller: Caller, signed: Signed) -> None:
    now = int(e.now())
    assert present(caller, signed.assertion(exp=now - 200)).status_code == 200
    assert present(caller, signed.assertion(nbf=now + 200)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "code", "status"),
    [
        ({"iss": "11111111-2222-4333-8444-555555555555"}, 700021, 401),
        ({"sub": "somebody-else"}, 50048, 401),
        ({"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}, 700023, 401),
        ({"aud": ["https://one.example", "https://two.example"]}, 5002741, 401),
        ({"exp": 1}, 700024, 401),
        ({"nbf": 2**31}, 700024, 401),
        ({"exp": None}, 50027, 400),
        ({"iss": None}, 50027, 400),
        ({"jti": None}, None, 200),
    ],
    ids=str,
)
def test_each_claim_is_checked(
    caller: Caller, signed: Signed, claims: dict[str, Any], code: int | None, status: int
) -> None:
    response = present(caller, signed.assertion(**claims))
    assert (response.status_code, response.json().get("error_codes")) == (status, [code] if code else None)
    if code:
        assert response.json()["error"] == ("invalid_client" if status == 401 else "invalid_request")


def test_the_times_are_in_the_text(caller: Caller, signed: Signed) -> None:
    text = present(caller, signed.assertion(exp=1)).json()["error_description"]
    assert "expiry time of assertion 1970-01-01T00:00:01.0000000Z" in text


def test_a_certificate_that_is_not_registered(e: Emulator, caller: Caller, signed: Signed) -> None:
    header = {"x5t#S256": base64url(b"\x01" * 32)}
    body = present(caller, signed.assertion("PS256", header)).json()
    assert body["error_codes"] == [700027]
    assert "[Reason - The key was not found., Thumbprint of key used by client: 'AQEBAQ" in body["error_description"]
    other = e.register_application()
    assert present(
        caller, signed.assertion(iss=other.client_id, sub=other.client_id), client_id=other.client_id
    ).json()["error_codes"] == [700027]


def test_what_is_signed_by_another_key(e: Emulator, caller: Caller, signed: Signed) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    body = present(caller, signed.assertion(key=rsa.generate_private_key(65537, 2048))).json()
    assert body["error_codes"] == [700027]
    assert "use of the key to verify the signature failed" in body["error_description"]


@pytest.mark.parametrize(
    ("algorithm", "header", "code"), [("RS384", {"x5t": "AA"}, 700027), ("RS256", {}, 50027), ("PS256", {}, 50027)]
)
def test_the_header_is_checked(
    caller: Caller, signed: Signed, algorithm: str, header: dict[str, Any], code: int
) -> None:
    assert present(caller, signed.assertion(algorithm, header)).json()["error_codes"] == [code]


@pytest.mark.parametrize("assertion", ["", "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_assertion(caller: Caller, assertion: str) -> None:
    assert present(caller, assertion).json()["error_codes"] == [50027 if assertion else 7000218]


def test_an_assertion_of_another_type(caller: Caller, signed: Signed) -> None:
    response = present(caller, signed.assertion(), client_assertion_type="saml")
    assert response.json()["error_codes"] == [7000218]


def test_a_certificate_runs_out(e: Emulator, caller: Caller, signed: Signed) -> None:
    e.advance(4000 * 86_400)
    body = present(caller, signed.assertion()).json()
    assert body["error_codes"] == [700027]
    assert "The key used is expired" in body["error_description"]


def test_another_certificate_for_another_application(e: Emulator, caller: Caller, signed: Signed) -> None:
    other = e.register_application("With a certificate")
    e.add_certificate(e.client_certificate, other)
    assertion = signed.assertion(iss=other.client_id, sub=other.client_id)
    assert present(caller, assertion, client_id=other.client_id).status_code == 200


def test_a_key_that_entra_does_not_take(e: Emulator) -> None:
    with pytest.raises(ValueError, match="RSA"):
        e.add_certificate(Path(e.ca_file).read_bytes())


def test_the_certificate_is_kept(e: Emulator) -> None:
    path = Path(e.client_certificate)
    assert path.stat().st_mode & 0o077 == 0
    assert path == Path(e.client_certificate)
    assert len(e.application.certificates) == 1


def test_an_expired_secret(e: Emulator, caller: Caller) -> None:
    secret = e.add_secret(expires_in=60)
    assert caller.token(client_secret=secret).status_code == 200
    e.advance(61)
    response = caller.token(client_secret=secret)
    assert (response.status_code, response.json()["error_codes"]) == (401, [7000222])
    assert caller.token().status_code == 200
    assert e.client_secret == e.application.client_secret


def test_a_public_application_has_no_secret(e: Emulator, caller: Caller) -> None:
    public = e.register_application(public=True)
    with pytest.raises(LookupError):
        _ = public.client_secret
    assert caller.token(client_id=public.client_id).json()["error_codes"] == [700025]
    assert caller.token(client_id=public.client_id, client_secret=None).json()["error_codes"] == [7000218]
