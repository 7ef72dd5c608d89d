"""How a client proves itself at the token endpoint: a secret, or an assertion signed by its certificate or by an
outside provider that it trusts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import jwt.utils

from .assertion_times import checked_times
from .federated_assertions import checked_federated
from .refusals import refusal_for
from .signing import base64url

if TYPE_CHECKING:
    from .registry import Application, Certificate
    from .world import World

__all__ = ["authenticated", "certificate_of"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ("RS256", "PS256")


def authenticated(
    world: World, application: Application, form: dict[str, str], secret: str, tenant: str, *, needed: bool
) -> str:
    """How the client proved itself, as `azpacr` has it: `0` not at all, `1` a secret, `2` an assertion.

    Args:
        secret: The one that came by HTTP Basic, or "".
        tenant: As it stands in the path.
        needed: Whether it has to.

    Raises:
        Refusal: It did not, or what it sent is not good.
    """
    secret = form.get("client_secret") or secret
    assertion = form.get("client_assertion", "")
    if application.is_public and (secret or assertion):
        raise refusal_for(700025, expected="no client_secret and no client_assertion: the application is public")
    if assertion and form.get("client_assertion_type") == ASSERTION_TYPE:
        _check_assertion(world, application, assertion, tenant)
        return "2"
    if secret:
        _check_secret(application, secret, world.clock.now())
        return "1"
    if needed or assertion:
        raise refusal_for(7000218, expected=f"client_secret, or client_assertion with the type {ASSERTION_TYPE}")
    return "0"


def _check_secret(application: Application, secret: str, now: float) -> None:
    for known in application.secrets:
        if known.value == secret:
            if known.expires_on is not None and known.expires_on <= now:
                raise refusal_for(7000222, client_id=application.client_id)
            return
    raise refusal_for(7000215, client_id=application.client_id, expected="client_secret: a secret's value")


def _check_assertion(world: World, application: Application, assertion: str, tenant: str) -> None:
    try:
        header = jwt.get_unverified_header(assertion)
        claims: dict[str, Any] = json.loads(jwt.utils.base64url_decode(assertion.split(".")[1]))
        issuer, subject = claims["iss"], claims["sub"]
        if not (isinstance(issuer, str) and isinstance(subject, str) and isinstance(claims.get("jti", ""), str)):
            raise ValueError
    except (jwt.InvalidTokenError, ValueError, KeyError, TypeError, AttributeError):
        raise refusal_for(50027, expected="client_assertion: a JWT with iss, sub, aud, exp, nbf and jti") from None
    me = application.client_id
    if "://" in issuer:
        checked_federated(world, application, assertion, header, claims)
    elif issuer.lower() != me:
        raise refusal_for(700021, expected=f"client_assertion: iss and sub are the client_id, {me}")
    elif subject != issuer:
        raise refusal_for(50048, expected=f"client_assertion: sub is its iss, {me}")
    else:
        _check_signature(application, assertion, header, world.clock.now())
        _check_audience(world, claims, tenant)
        checked_times(claims, world.clock.now(), 700024)


def _check_signature(application: Application, assertion: str, header: dict[str, Any], now: float) -> None:
    algorithm = header.get("alg")
    # msal and azure-identity leave the padding on.
    x5t, x5t_s256 = (str(header.get(name) or "").rstrip("=") for name in ("x5t", "x5t#S256"))
    thumbprint = x5t_s256 or x5t or str(header.get("kid") or "")
    details = {"client_id": application.client_id, "thumbprint": thumbprint}
    if algorithm not in _ALGORITHMS:
        raise refusal_for(
            700027, reason="Unsupported asymmetric signing algorithm", **details, expected="RS256 or PS256"
        )
    if not (x5t or x5t_s256):
        # Without a name there is nothing to look for; `x5c` alone counts only where subject names are trusted.
        raise refusal_for(50027, expected="client_assertion: a header with x5t or x5t#S256")
    certificate = next(
        (each for each in application.certificates if x5t_s256 == each.x5t_s256 or (not x5t_s256 and x5t == each.x5t)),
        None,
    )
    if certificate is None:
        known = ", ".join(each.x5t_s256 for each in application.certificates) or "none"
        raise refusal_for(
            700027,
            reason="The key was not found.",
            **details,
            expected=f"x5t#S256 of a registered certificate: {known}",
        )
    start = certificate.certificate.not_valid_before_utc.timestamp()
    end = certificate.certificate.not_valid_after_utc.timestamp()
    if not start <= now < end:
        raise refusal_for(700027, reason="The key used is expired.", **details)
    try:
        jwt.decode(assertion, certificate.key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
    except jwt.InvalidTokenError:
        reason = "Key was found, but use of the key to verify the signature failed."
        raise refusal_for(700027, reason=reason, **details) from None


_SIGNATURE_ONLY: Any = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _check_audience(world: World, claims: dict[str, Any], tenant: str) -> None:
    audience = claims.get("aud")
    if isinstance(audience, list):
        if len(audience) != 1:
            raise refusal_for(5002741, count=str(len(audience)), expected="client_assertion: one aud")
        audience = audience[0]
    names = {tenant, tenant.lower(), world.registry.tenant(tenant) or tenant, "common", "organizations"}
    endings = ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", "")
    if audience not in {f"{world.authority}/{name}{ending}" for name in names for ending in endings}:
        expected = f"client_assertion: aud is {world.authority}/{tenant}/oauth2/v2.0/token"
        raise refusal_for(700023, expected=expected)


def certificate_of(pem: bytes) -> Certificate:
    """A certificate to register, from PEM; a private key beside it is not looked at.

    Raises:
        ValueError: It is no certificate, or not for an RSA key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    from .registry import Certificate

    certificate = x509.load_pem_x509_certificate(pem)
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("Entra takes certificates with RSA keys only")
    return Certificate(
        base64url(certificate.fingerprint(hashes.SHA1())),  # noqa: S303 - a name, not a safeguard
        base64url(certificate.fingerprint(hashes.SHA256())),
        key,
        certificate,
    )
