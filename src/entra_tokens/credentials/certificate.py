"""A certificate and its key, from PEM or PFX, and the assertions that they sign."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from ..acquiring import current
from ..engine.workers import importing
from ..errors import ConfigurationError
from .fingerprint import fingerprint
from .proof import Assertions

if TYPE_CHECKING:
    from .proof import Shown

__all__ = ["Certificate", "CertificateProof"]

_LARGEST = 1 << 20  # bytes; a chain and a key have a few thousand
_LIFETIME = 600.0  # seconds; 5 to 10 min advised (learn.microsoft.com/entra/identity-platform/certificate-credentials)


class CertificateProof:
    """Signs an assertion for every request. The file is read again each time, so that a renewed one is picked up.

    Args:
        certificate: A file's path, or the content of one.
        password: Of the private key.
        send_chain: Whether the certificates go along, for applications that trust a subject name and issuer.
    """

    def __init__(
        self, certificate: str | os.PathLike[str] | bytes, password: str | bytes | None, *, send_chain: bool
    ) -> None:
        if isinstance(certificate, (bytes, bytearray)):
            content: bytes | None = bytes(certificate)
            path = None
        elif isinstance(certificate, (str, os.PathLike)) and isinstance(os.fspath(certificate), str):
            content, path = None, os.fspath(certificate)
        else:
            raise ConfigurationError("certificate must be a file's path, or the content of one as bytes.")
        if content == b"" or path == "" or (path is not None and ("\0" in path or "-----BEGIN" in path)):
            raise ConfigurationError(
                "certificate is empty, or a PEM text where a path belongs: give the path, or the content as bytes."
            )
        if password is not None and not isinstance(password, (str, bytes)):
            raise ConfigurationError("password must be a str or bytes.")
        self.path = path
        self.send_chain: bool = bool(send_chain)
        self._content = content
        self._password = password.encode() if isinstance(password, str) else password
        self._loaded: tuple[str, Certificate] | None = None
        self._assertions = Assertions()

    @property
    def pickles(self) -> bool:
        """Where there is but a path."""
        return self.path is not None and not self._password

    def name(self, key: bytes | None = None) -> tuple[str, ...]:
        """The path, or a digest of the content; a digest of the password."""
        how = () if key is None else (key,)
        certificate = fingerprint(self._content, *how) if self._content is not None else f"file={self.path}"
        password = fingerprint(self._password, *how) if self._password else ""
        return "certificate", certificate, password, f"chain={self.send_chain}"

    def show(self, client_id: str, token_endpoint: str) -> Shown:
        return self._assertions.show(self._certificate().assertion(client_id, token_endpoint, chain=self.send_chain))

    def _certificate(self) -> Certificate:
        content = self._content if self._content is not None else _read(str(self.path))
        mark, loaded = fingerprint(content), self._loaded
        if loaded is None or loaded[0] != mark:
            loaded = self._loaded = mark, Certificate.parsed(content, self._password)
        return loaded[1]

    def __repr__(self) -> str:
        return "<certificate>"


class Certificate:
    """An RSA key, its certificate, and those that certify it."""

    def __init__(self, key: Any, thumbprint: str, chain: list[str]) -> None:
        self._key = key
        self._thumbprint = thumbprint
        self._chain = chain

    @classmethod
    def parsed(cls, content: bytes, password: bytes | None) -> Certificate:
        """Read PEM (certificates and key in any order) or PFX.

        Raises:
            ConfigurationError: It is neither, lacks the key or its certificate, or the password is wrong.
        """
        with importing():
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        key, certificates = _pem(content, password) if b"-----BEGIN" in content else _pfx(content, password)
        if not isinstance(key, RSAPrivateKey):
            raise ConfigurationError("The certificate's key is not an RSA key; Entra takes no others (AADSTS700027).")
        mine = key.public_key().public_numbers()
        own = [one for one in certificates if getattr(one.public_key(), "public_numbers", lambda: None)() == mine]
        if not own:
            raise ConfigurationError("No certificate in the file belongs to its private key.")
        ordered = [own[0], *(one for one in certificates if one not in own)]
        base64_lines = (one.public_bytes(serialization.Encoding.PEM).decode().splitlines()[1:-1] for one in ordered)
        thumbprint = urlsafe_b64encode(own[0].fingerprint(hashes.SHA256())).rstrip(b"=").decode()
        return cls(key, thumbprint, ["".join(lines) for lines in base64_lines])

    def assertion(self, client_id: str, token_endpoint: str, *, chain: bool) -> str:
        """A signed assertion (PS256, x5t#S256) for one request.

        https://learn.microsoft.com/entra/identity-platform/certificate-credentials
        """
        with importing(loggers=True):
            from msal.oauth2cli import JwtAssertionCreator

        # msal's own sha256_thumbprint= leaves `=` at the end, which RFC 7515 §2 does not have.
        headers: dict[str, Any] = {"x5t#S256": self._thumbprint}
        if chain:
            headers["x5c"] = self._chain
        creator = JwtAssertionCreator(self._key, "PS256", headers=headers)
        now = current().clock.wall()
        signed: bytes = creator.create_normal_assertion(  # pyright: ignore[reportAssignmentType] # msal makes bytes of it
            token_endpoint, client_id, issued_at=int(now), not_before=int(now), expires_at=int(now + _LIFETIME)
        )
        return signed.decode()

    def __repr__(self) -> str:
        return f"<certificate {self._thumbprint[:8]}>"


def _read(path: str) -> bytes:
    why = ""
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
    else:
        if 0 < len(content) <= _LARGEST:
            return content
        why = "it is empty, or larger than 1 MiB"
    raise ConfigurationError(f"The certificate file {path!r} cannot be read: {why}.")


def _pem(content: bytes, password: bytes | None) -> tuple[Any, list[Any]]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = b"ENCRYPTED" in content
    if encrypted and not password:
        raise ConfigurationError("The certificate's private key is encrypted: give its password=.")
    try:
        certificates = x509.load_pem_x509_certificates(content) if b"BEGIN CERTIFICATE" in content else []
        # A password that is not needed does no harm, as with azure-identity.
        key = load_pem_private_key(_key_block(content), password if encrypted else None)
    except Exception:  # of many kinds, and their texts may quote the file: the cause is told in words of our own
        key, certificates = None, []
    if key is None:
        raise ConfigurationError(
            "The certificate's PEM cannot be read: it must hold the certificate and its private key"
            + (", and the password must be theirs." if encrypted else ".")
        )
    return key, certificates


def _key_block(content: bytes) -> bytes:
    """The private key alone: the loader takes the first block, whatever it is."""
    import re

    found = re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", content, re.DOTALL)
    return found[0] if found else b""


def _pfx(content: bytes, password: bytes | None) -> tuple[Any, list[Any]]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, password)
    except Exception:  # likewise
        key, certificate, others = None, None, []
    if key is None or certificate is None:
        raise ConfigurationError(
            "The certificate is neither PEM nor a PFX that holds a certificate and its private key, or the password is "
            "wrong."
        )
    return key, [certificate, *others]
