"""Assertions of outside providers: issuer, subject and audience are compared with federated credentials, exactly.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from .assertion_times import checked_times
from .refusals import Refusal, refusal_for

if TYPE_CHECKING:
    from .registry import Application
    from .world import World

__all__ = ["checked_federated"]

_LONGEST = 25 * 3600  # seconds that an outside token may live


def checked_federated(
    world: World, application: Application, assertion: str, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Raises:
    Refusal: No credential of the application's takes this assertion.
    """
    _check_match(application, claims)
    _check_signature(world, assertion, header, claims)
    checked_times(claims, world.clock.now(), 700024)
    issued = claims.get("iat")
    if not isinstance(issued, (int, float)) or claims["exp"] - issued > _LONGEST:
        raise refusal_for(70023, expected="an assertion with iat that lives for 25 hours at most")


def _check_match(application: Application, claims: dict[str, Any]) -> None:
    known = application.federated_credentials
    if not known:
        raise refusal_for(70025, client_id=application.client_id, name=application.name)
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    issuers = [each for each in known if each.issuer == claims["iss"]]
    if not issuers:
        raise _unmatched(700211, claims["iss"], {each.issuer for each in known})
    subjects = [each for each in issuers if each.subject == claims["sub"]]
    if not subjects:
        raise _unmatched(700213, claims["sub"], {each.subject for each in issuers})
    if not any(each.audience in audiences for each in subjects):
        raise _unmatched(700212, " ".join(map(str, audiences)), {each.audience for each in subjects})


def _unmatched(code: int, value: str, known: set[str]) -> Refusal:
    return refusal_for(code, value=value, expected=" or ".join(f"'{each}'" for each in sorted(known)))


def _check_signature(world: World, assertion: str, header: dict[str, Any], claims: dict[str, Any]) -> None:
    issuer = claims["iss"]
    details = {"thumbprint": str(header.get("kid", ""))}
    if issuer.startswith(world.authority + "/") and not world.provider.knows(issuer):
        # One of our own, such as a managed identity's.
        try:
            world.issuer.signer.verified(assertion)
        except jwt.InvalidTokenError as error:
            raise refusal_for(700027, reason=str(error), **details) from None
        if "scp" in claims:
            raise refusal_for(700229, expected="an app-only token")
        return
    if not world.provider.knows(issuer):
        raise refusal_for(90061, expected=f"an issuer whose keys are known: introduce '{issuer}' with trust_issuer()")
    key = world.provider.key_for(issuer, header.get("kid"))
    if key is None or header.get("alg") != "RS256":
        reason = "The key was not found." if key is None else "Unsupported asymmetric signing algorithm"
        raise refusal_for(700027, reason=reason, **details, expected="RS256 with a key of the issuer's")
    try:
        jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.InvalidTokenError:
        raise refusal_for(700027, reason="The provided signature value did not match.", **details) from None
