"""The grants of the token endpoint: each gives the fields of a reply, or raises the Refusal that is the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt

from .asked_claims import NOTHING
from .assertion_times import checked_times
from .refresh_tokens import Grant
from .refusals import refusal_for
from .scopes import OIDC
from .signing import UnknownKeyError
from .token_call import needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .registry import Account
    from .token_call import TokenCall

__all__ = ["answered"]

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def answered(call: TokenCall) -> dict[str, Any]:
    """The reply's fields.

    Raises:
        Refusal: The request is refused.
    """
    grant = _GRANTS.get(call.grant)
    _ = call.tenant_id, call.application  # each is refused before anything that is wrong with the grant itself
    if grant is None:
        raise refusal_for(70003, grant=call.grant, expected=f"grant_type: {', '.join(_GRANTS)}")
    return grant(call)


def _client_credentials(call: TokenCall) -> dict[str, Any]:
    if call.tenant_id is None:
        raise refusal_for(50059, expected="the tenant's id or domain in the path")
    resource_named = call.form.get("resource" if call.version == 1 else "scope")
    credential = call.credential(needed=bool(resource_named))
    resource = call.app_resource()
    issuer = call.world.issuer
    token = issuer.for_application(
        resource,
        call.application,
        tenant_id=call.tenant_id,
        credential=credential,
        asked=call.claims,
        expired=call.expired,
        sign=call.sign,
    )
    reply = issuer.reply(token)
    return reply if call.version == 2 else _as_v1(reply, token.issued_at, token.expires_on, resource)


def _device_code(call: TokenCall) -> dict[str, Any]:
    device_code = call.form.get("code") if call.version == 1 else None
    device_code = device_code or needed(call.form, "device_code")
    credential = call.credential(needed=False)
    polled = call.world.device_codes.poll(device_code, call.application.client_id)
    if isinstance(polled, str):
        refusal = refusal_for(polled)
        # The v1 endpoint has a name of its own for this one.
        raise refusal.named("code_expired") if call.version == 1 and polled == "expired_token" else refusal
    account = polled.account or call.world.registry.account
    return _for_user(call, _signed_in(call, account, polled.scopes, polled.claims), credential)


def _refresh_token(call: TokenCall) -> dict[str, Any]:
    token = needed(call.form, "refresh_token")
    credential = call.credential(needed=False)
    grant = call.world.refresh_tokens.redeem(token, call.application.client_id)
    missing = set(call.claims.acrs) - set(grant.acrs)
    if missing:
        raise refusal_for(
            50076,
            resource=call.user_scopes(grant.scopes).resource,
            claims=call.form["claims"],
            expected=f"a new sign-in with these claims: {', '.join(sorted(missing))} was not satisfied by the last",
        )
    return _for_user(call, grant, credential, refreshed=True)


def _authorization_code(call: TokenCall) -> dict[str, Any]:
    code = needed(call.form, "code")
    redeemed = call.world.codes.redeem(call, code)
    return _for_user(call, redeemed.grant, redeemed.credential, nonce=redeemed.nonce)


def _on_behalf_of(call: TokenCall) -> dict[str, Any]:
    if call.form.get("requested_token_use") != "on_behalf_of":
        raise refusal_for(900144, parameter="requested_token_use", expected="requested_token_use=on_behalf_of")
    assertion = needed(call.form, "assertion")
    credential = call.credential(needed=True)
    account = _checked_assertion(call, assertion)
    grant = Grant(
        call.application.client_id,
        account,
        call.form.get("scope", ""),
        acrs=call.claims.acrs,
        signed_in_on=call.world.clock.now(),
    )
    return _for_user(call, grant, credential)


def _checked_assertion(call: TokenCall, assertion: str) -> Account:
    """The person whose access token this is."""
    world, me = call.world, call.application
    try:
        claims = world.issuer.signer.verified(assertion)
    except UnknownKeyError:
        raise refusal_for(50013, reason="The key was not found.", expected="a token of this emulator's") from None
    except jwt.InvalidSignatureError:
        reason = "The provided signature value did not match the expected signature value."
        raise refusal_for(50013, reason=reason, expected="a token of this emulator's") from None
    except jwt.InvalidTokenError:
        raise refusal_for(50027, expected="assertion: the access token that the caller sent") from None
    audience = claims.get("aud")
    if str(audience).removeprefix("api://").lower() != me.client_id:
        details = {"audience": str(audience), "client_id": me.client_id, "name": me.name}
        expected = f"assertion: an access token for api://{me.client_id}"
        raise refusal_for(500131, **details, expected=expected)
    if "azp" not in claims and "appid" not in claims:
        raise refusal_for(50013, reason="The assertion is no access token.", expected="assertion: no ID token")
    checked_times(claims, world.clock.now(), 500133)
    account = next((each for each in world.registry.accounts if each.user.object_id == claims.get("oid")), None)
    if account is None or "scp" not in claims:
        # Applications have no behalf to act on.
        raise refusal_for(7000114, client_id=str(claims.get("azp") or claims.get("appid")), expected="a user's token")
    return account


def _password(call: TokenCall) -> dict[str, Any]:
    if call.tenant in ("common", "consumers"):
        raise refusal_for(9001023, expected="the tenant's id or domain, or organizations, in the path")
    username, password = needed(call.form, "username"), needed(call.form, "password")
    credential = call.credential(needed=False)
    account = call.world.registry.account_of(username)
    if account is None:
        raise refusal_for(50034, tenant=call.tenant_id or call.world.registry.home, expected="a registered user")
    if account.password != password:
        raise refusal_for(50126, expected="the account's password")
    asked = call.user_scopes()
    if account.mfa:
        raise refusal_for(50076, resource=asked.resource, expected="an interactive sign-in: the account has MFA")
    return _for_user(call, _signed_in(call, account, call.form.get("scope", "")), credential)


def _signed_in(call: TokenCall, account: Account, scopes: str, acrs: tuple[str, ...] = ()) -> Grant:
    satisfied = tuple(dict.fromkeys((*acrs, *call.claims.acrs)))
    return Grant(call.application.client_id, account, scopes, satisfied, signed_in_on=call.world.clock.now())


def _for_user(
    call: TokenCall, grant: Grant, credential: str, *, refreshed: bool = False, nonce: str | None = None
) -> dict[str, Any]:
    """The reply with a person's token, and what else was asked for."""
    world, issuer, user = call.world, call.world.issuer, grant.account.user
    asked = call.user_scopes(grant.scopes or None)
    tenant_id = call.tenant_id or world.registry.home
    claims = call.claims if call.claims is not NOTHING or not grant.acrs else replace(NOTHING, acrs=grant.acrs)
    token = issuer.for_user(
        asked.resource,
        asked.permissions,
        user=user,
        application=call.application,
        tenant_id=tenant_id,
        credential=credential,
        asked=claims,
        expired=call.expired,
    )
    content: dict[str, Any] = issuer.reply(token)
    if call.version == 1:
        content = _as_v1(content, token.issued_at, token.expires_on, asked.resource)
    content["scope"] = asked.granted if call.version == 2 else asked.permissions
    # What the sign-in asked for counts, too: many clients name these there only.
    oidc = asked.oidc | OIDC.intersection(grant.scopes.split())
    if refreshed or "offline_access" in oidc:
        content["refresh_token"] = world.refresh_tokens.issue(replace(grant, scopes=grant.scopes or _scope(call)))
    if "openid" in oidc:
        content["id_token"] = issuer.id_token(user, call.application, tenant_id, nonce=nonce, version=call.version)
    if call.form.get("client_info") == "1":
        content["client_info"] = issuer.client_info(user)
    return content


def _scope(call: TokenCall) -> str:
    return call.form.get("scope") or call.form.get("resource", "") + "/.default"


def _as_v1(reply: dict[str, Any], issued_at: float, expires_on: float, resource: str) -> dict[str, Any]:
    """The v1 endpoint writes numbers as strings, and more of them."""
    times = {"expires_on": int(expires_on), "not_before": int(issued_at)}
    numbers = {name: str(value) for name, value in {**reply, **times}.items() if isinstance(value, int)}
    return {**reply, **numbers, "resource": resource}


_GRANTS: dict[str, Callable[[TokenCall], dict[str, Any]]] = {
    "client_credentials": _client_credentials,
    _DEVICE_CODE: _device_code,
    "device_code": _device_code,  # msal-node sends the short name
    "refresh_token": _refresh_token,
    "authorization_code": _authorization_code,
    _JWT_BEARER: _on_behalf_of,
    "password": _password,
}
