"""The emulator's certificate authority, its server certificates and its signing key.

The authority and the signing key are made once and kept in a folder of the user's own (0700, keys 0600), because
making an RSA key takes up to a second; where that folder cannot be had they live in a temporary one for the process.
The authority's key never leaves the folder, and its certificate is constrained to this machine's names: a person who
trusts it trusts nobody for any other host.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import ssl
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from entra_tokens import environment

__all__ = ["KeyRing"]

_CA_LIFE = timedelta(days=3650)
_SERVER_LIFE = timedelta(days=397)  # longer ones are refused by Apple's verifier
_FOLDER = "keys-1"
_NAMES: list[x509.GeneralName] = [
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
]
_PERMITTED: list[x509.GeneralName] = [
    x509.DNSName("localhost"),
    x509.IPAddress(ip_network("127.0.0.0/8")),
    x509.IPAddress(ip_network("::1/128")),
]

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class KeyRing:
    """The kept keys, opened or made.

    Args:
        parent: The folder to keep them in; None: the user's cache folder.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.thumbprint: str = ""
        try:
            self.folder: Path = _opened(parent or _cache_folder())
        except OSError:
            self._temporary = tempfile.TemporaryDirectory(prefix="entra-tokens-")
            self.folder = _opened(Path(self._temporary.name))

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def signing(self) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        key = _load_key(self.folder / "signing.key")
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the signing key is not an RSA key")
        return key, x509.load_pem_x509_certificate((self.folder / "signing.pem").read_bytes())

    def pair(self, name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        """The kept RSA key and certificate of this name, made if there is none."""
        content = self.pair_file(name).read_bytes()
        key = serialization.load_pem_private_key(content, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{name} is not an RSA key")
        return key, x509.load_pem_x509_certificate(content)

    def pair_file(self, name: str) -> Path:
        """The PEM file that holds both, the key first; made if there is none. Several processes may come at once."""
        path = self.folder / f"{name}.pair.pem"
        if not path.is_file():
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            certificate = _self_signed(key, f"entra-tokens emulator {name}")
            fresh = self.folder / f"making-{secrets.token_hex(8)}.pem"
            _write(fresh, _key_bytes(key) + certificate.public_bytes(serialization.Encoding.PEM))
            try:
                with contextlib.suppress(FileExistsError):
                    os.link(fresh, path)  # unlike a rename it replaces nothing that another process is reading
                fresh.unlink()
            except OSError:
                fresh.replace(path)
        return path

    def server_context(self) -> ssl.SSLContext:
        """A server's TLS context with a certificate of its own for localhost, 127.0.0.1 and ::1; `thumbprint` is its
        SHA-1."""
        key = ec.generate_private_key(ec.SECP256R1())
        ca = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        certificate = _server_certificate(key, ca, _load_key(self.folder / "ca.key"))
        self.thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - as Service Fabric has it
        return _context(key, certificate)

    def context_of(self, name: str) -> tuple[ssl.SSLContext, bytes]:
        """A server's TLS context for this name alone, by an authority of its own, and that authority's PEM."""
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca = _ca_certificate(ca_key, [x509.DNSName(name)])
        certificate = _server_certificate(key, ca, ca_key, [x509.DNSName(name)])
        return _context(key, certificate), ca.public_bytes(serialization.Encoding.PEM)

    def close(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None


def _context(key: PrivateKey, certificate: x509.Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client that reads in one thread while it writes its first request in another (websockets' synchronous one)
    # loses that request once in 250 connections when a session ticket arrives in between.
    context.num_tickets = 0
    with tempfile.TemporaryDirectory(prefix="entra-tokens-") as folder:
        chain = Path(folder) / "server.pem"
        _write(chain, _key_bytes(key) + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(chain)
    return context


def _cache_folder() -> Path:
    if home := environment.read("ENTRA_TOKENS_HOME"):
        return Path(home) / "emulator"
    if sys.platform == "win32":
        base = environment.read("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = environment.read("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "entra-tokens" / "emulator"


def _opened(parent: Path) -> Path:
    """The folder with the keys in it, made if there is none; several processes may come at once."""
    folder = parent / _FOLDER
    # mkdir() gives that mode to the last folder only, and the one above is this package's, too: ENTRA_TOKENS_HOME.
    parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    parent.mkdir(exist_ok=True, mode=0o700)
    if _is_usable(folder):
        return folder
    fresh = Path(tempfile.mkdtemp(prefix="making-", dir=parent))
    try:
        _make(fresh)
        with contextlib.suppress(OSError):
            # A folder that is there but not usable (run out, damaged, somebody else's) is set aside, not written to.
            if not _is_usable(folder):
                folder.rename(parent / f"aside-{fresh.name}")
        with contextlib.suppress(OSError):
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if not _is_usable(folder):
        raise OSError(f"cannot keep keys in {folder}")
    return folder


def _is_usable(folder: Path) -> bool:
    try:
        status = folder.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
            return False
        ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        return ca.not_valid_after_utc > _now() + timedelta(days=30) and all(
            (folder / name).is_file() for name in ("ca.key", "signing.key", "signing.pem")
        )
    except (OSError, ValueError):
        return False


def _make(folder: Path) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "ca.key", _key_bytes(ca_key))
    ca = _ca_certificate(ca_key)
    _write(folder / "ca.pem", ca.public_bytes(serialization.Encoding.PEM), mode=0o644)
    signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write(folder / "signing.key", _key_bytes(signing))
    certificate = _self_signed(signing, "entra-tokens emulator token signing")
    _write(folder / "signing.pem", certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _self_signed(key: rsa.RSAPrivateKey, name: str) -> x509.Certificate:
    builder = _builder(name, _CA_LIFE).issuer_name(_name(name)).public_key(key.public_key())
    return builder.sign(key, hashes.SHA256())


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(common_name: str, life: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - timedelta(days=1))
        .not_valid_after(_now() + life)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


# Python 3.13 verifies strictly (RFC 5280): key usage, both key identifiers and critical constraints are needed.
def _ca_certificate(
    key: ec.EllipticCurvePrivateKey, permitted: list[x509.GeneralName] = _PERMITTED
) -> x509.Certificate:
    name = "entra-tokens emulator CA (this machine only)"
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _builder(name, _CA_LIFE)
        .issuer_name(_name(name))
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_certificate(
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: PrivateKey,
    names: list[x509.GeneralName] = _NAMES,
) -> x509.Certificate:
    issuer = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder("localhost", _SERVER_LIFE)
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _key_bytes(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load_key(path: Path) -> PrivateKey:
    # The check that is skipped takes a tenth of a second, at every start, for a key that we made ourselves.
    key = serialization.load_pem_private_key(path.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise TypeError(f"{path.name} is not a key of the emulator's")
    return key


def _write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
