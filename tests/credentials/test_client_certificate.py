from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from entra_tokens.credentials.client_certificate import ClientCertificate
from entra_tokens.errors import ConfigurationError, InvalidCredential
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))
PASSWORD = "MARKER-pass"


@pytest.fixture
def pem(e: Emulator) -> bytes:
    return Path(e.client_certificate).read_bytes()


def parsed(pem: bytes) -> tuple[Any, x509.Certificate]:
    return serialization.load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)


def encrypted(pem: bytes) -> bytes:
    key, certificate = parsed(pem)
    cipher = serialization.BestAvailableEncryption(PASSWORD.encode())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)
    return bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)


def pfx(pem: bytes, password: str | None = PASSWORD) -> bytes:
    key, certificate = parsed(pem)
    cipher = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"me", key, certificate, None, cipher)


def credential(e: Emulator, certificate: Any, **options: Any) -> ClientCertificate:
    options = {"authority": e.authority, "verify": e.ca_file, **options}
    return ClientCertificate(e.tenant_id, e.client_id, certificate, **options)


def assertion(e: Emulator) -> tuple[dict[str, Any], dict[str, Any]]:
    sent = e.token_requests[-1].form["client_assertion"]
    return jwt.get_unverified_header(sent), jwt.decode(sent, options={"verify_signature": False})


def test_it_signs_as_the_documentation_wants_it(e: Emulator) -> None:
    token = credential(e, e.client_certificate).acquire(ASK)
    assert token.claims()["appid" if "appid" in token.claims() else "azp"] == e.client_id
    header, claims = assertion(e)
    assert (header["alg"], "x5t#S256" in header, "x5t" in header, "x5c" in header) == ("PS256", True, False, False)
    assert claims["aud"] == f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token"
    assert claims["iss"] == claims["sub"] == e.client_id
    assert claims["exp"] - claims["nbf"] == 600
    assert "client_secret" not in e.token_requests[-1].form


@pytest.mark.parametrize(
    ("make", "password"),
    [
        (lambda pem: pem, None),
        (lambda pem: pem, "not needed"),
        (encrypted, PASSWORD),
        (encrypted, PASSWORD.encode()),
        (pfx, PASSWORD),
        (lambda pem: pfx(pem, None), None),
    ],
    ids=["PEM", "PEM, needless password", "encrypted PEM", "password in bytes", "PFX", "PFX without password"],
)
@pytest.mark.parametrize("how", ["path", "str", "bytes"])
def test_every_form(e: Emulator, pem: bytes, tmp_path: Path, make: Any, password: Any, how: str) -> None:
    content = make(pem)
    path = tmp_path / "client.pem"
    path.write_bytes(content)
    given: Any = {"path": path, "str": str(path), "bytes": content}[how]
    assert credential(e, given, password=password).acquire(ASK)
    assert assertion(e)[0]["alg"] == "PS256"


def test_the_chain_goes_along_on_request(e: Emulator, pem: bytes, tmp_path: Path) -> None:
    ca = Path(e.ca_file).read_bytes()
    path = tmp_path / "chain.pem"
    path.write_bytes(ca + pem)  # in any order
    credential(e, path, send_chain=True).acquire(ASK)
    chain = assertion(e)[0]["x5c"]
    assert len(chain) == 2
    first = f"-----BEGIN CERTIFICATE-----\n{chain[0]}\n-----END CERTIFICATE-----\n".encode()
    assert x509.load_pem_x509_certificate(first) == parsed(pem)[1]


def test_one_discovery_and_one_request_each(e: Emulator) -> None:
    one = credential(e, e.client_certificate)
    for _ in range(3):
        one.acquire(ASK)
    assert [record.grant for record in e.requests] == [None, *["client_credentials"] * 3]


def test_a_renewed_file_is_picked_up(e: Emulator, pem: bytes, tmp_path: Path) -> None:
    import datetime

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    path = tmp_path / "client.pem"
    path.write_bytes(pem)
    one = credential(e, path)
    one.acquire(ASK)
    before = assertion(e)[0]["x5t#S256"]

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "renewed")])
    now = parsed(pem)[1].not_valid_before_utc
    renewed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650)).sign(key, hashes.SHA256())
    )  # fmt: skip
    content = renewed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(content)
    with pytest.raises(InvalidCredential, match="AADSTS700027"):
        one.acquire(ASK)
    e.add_certificate(content)
    one.acquire(ASK)
    assert assertion(e)[0]["x5t#S256"] != before
    assert one.identity == credential(e, path).identity


def test_another_tenant_is_the_audience_too(e: Emulator) -> None:
    other = e.register_tenant()
    credential(e, e.client_certificate).acquire(TokenRequest(ASK.scopes, tenant_id=other))
    assert assertion(e)[1]["aud"] == f"{e.authority}/{other}/oauth2/v2.0/token"


def elliptic(pem: bytes) -> bytes:
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return parsed(pem)[1].public_bytes(serialization.Encoding.PEM) + private


def without_its_key(pem: bytes) -> bytes:
    return encrypted(pem).split(b"-----BEGIN ENC")[0]


@pytest.mark.parametrize(
    ("make", "password", "said"),
    [
        (encrypted, None, "encrypted"),
        (encrypted, "MARKER-wrong", "password must be theirs"),
        (pfx, "MARKER-wrong", "password is wrong"),
        (pfx, None, "password is wrong"),
        (lambda pem: b"MARKER junk", None, "neither PEM nor"),
        (lambda pem: b"-----BEGIN MARKER-----", None, "private key"),
        (without_its_key, None, "private key"),
        (elliptic, None, "RSA"),
    ],
)
def test_what_cannot_be_used(e: Emulator, pem: bytes, make: Any, password: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        credential(e, make(pem), password=password).acquire(ASK)
    assert "MARKER" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not e.requests


def test_a_file_that_is_not_there(e: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        credential(e, tmp_path / "absent.pem").acquire(ASK)


@pytest.mark.parametrize("given", [b"", "", None, 7, "a\0b", "-----BEGIN CERTIFICATE-----", Path])
def test_what_is_no_certificate(given: Any) -> None:
    with pytest.raises(ConfigurationError):
        ClientCertificate("t.example", "c", given)


def test_names_and_options_are_checked() -> None:
    with pytest.raises(ConfigurationError):
        ClientCertificate("organizations", "c", "x.pem")
    with pytest.raises(ConfigurationError):
        ClientCertificate("t.example", "", "x.pem")
    with pytest.raises(ConfigurationError, match="password"):
        ClientCertificate("t.example", "c", "x.pem", password=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        ClientCertificate("t.example", "c", "x.pem", pasword="x")  # type: ignore[call-arg]


def test_identity_tells_apart_and_tells_nothing() -> None:
    def made(certificate: Any = "x.pem", **options: Any) -> ClientCertificate:
        return ClientCertificate("t.example", "c", certificate, **options)

    assert made() == made(Path("x.pem"))
    others = [
        made("y.pem"), made(b"x"), made(b"y"), made(password="MARKER"), made(password="2"), made(send_chain=True),
        made(verify=False), made(authority="https://other.example"),
    ]  # fmt: skip
    assert len({made(), *others}) == 9
    for one in others:
        assert "MARKER" not in repr(one.identity) + repr(one) + repr(vars(one))
        assert one.identity_under(b"k" * 32) == one.identity_under(b"k" * 32)
    assert made(b"x").identity_under(b"k" * 32) != made(b"x").identity
    assert made(b"x").identity_under(b"k" * 32) != made(b"x").identity_under(b"l" * 32)


def test_it_pickles_where_no_secret_is_inside() -> None:
    one = ClientCertificate("t.example", "c", "x.pem", send_chain=True, timeout=3)
    assert pickle.loads(pickle.dumps(one)) == one
    for secret in (ClientCertificate("t.example", "c", b"x"), ClientCertificate("t.example", "c", "x", password="p")):
        with pytest.raises(TypeError, match="ManagedIdentity"):
            pickle.dumps(secret)
