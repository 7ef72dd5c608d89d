"""Why h2oGPTe or an API will refuse a token, as far as can be told without asking."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..authority.expiry import number
from ..request import to_resource, to_scopes
from .claims import text_of
from .spans import in_words

if TYPE_CHECKING:
    from .reading import Read

__all__ = ["Verdict", "instant", "verdicts"]

_SOON = 300.0  # seconds
_CLOCK_STEP = 60.0  # seconds that two machines' clocks may differ
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KINDS = {
    "id": (
        "id_token",
        (
            "It is an ID token: it tells an application who signed in, and APIs refuse it. Send the access token that "
            "came with it."
        ),
    ),
    "encrypted": ("encrypted", "It is encrypted: nobody but its resource can read it, and nothing can be told here."),
    "refresh": (
        "refresh_token",
        (
            "It is a refresh token or a sign-in code, not an access token. APIs refuse it, and it must not be sent to "
            "them: whoever has it can get tokens in your name."
        ),
    ),
    "secret": ("client_secret", "It is a client secret, not a token. APIs refuse it, and it must not be sent to them."),
    "opaque": ("not_a_jwt", "It is no JWT: nothing can be told here. Entra's access tokens for APIs are JWTs."),
}


class Verdict(NamedTuple):
    """One thing that was found.

    Args:
        code: For programs.
        text: For people.
        refuses: Whether it will make whoever gets the token refuse it; otherwise it is worth knowing.
    """

    code: str
    text: str
    refuses: bool = True


def instant(read: Read, name: str) -> float | None:
    """A claim that is an instant, epoch seconds."""
    value = read.claims.get(name)
    return number(value) if isinstance(value, (int, float)) else None


def verdicts(read: Read, *, now: float, scope: str | None, tenant: str | None) -> list[Verdict]:
    """What there is to say about a token.

    Args:
        read: The token.
        now: Epoch seconds.
        scope: What it should be for.
        tenant: Which tenant it should be from.
    """
    found: list[Verdict] = []
    if read.kind in _KINDS:
        code, text = _KINDS[read.kind]
        found.append(Verdict(code, text, read.kind != "encrypted"))
    if read.claims:
        found += _times(read, now)
        found += _audience(read, scope)
        found += _tenant(read, tenant)
        found += _powers(read)
    return found


def _times(read: Read, now: float) -> list[Verdict]:
    expires, begins, issued = instant(read, "exp"), instant(read, "nbf"), instant(read, "iat")
    found = []
    if expires is None:
        found.append(Verdict("no_expiry", "It does not say when it expires."))
    elif expires <= now:
        found.append(Verdict("expired", f"It expired {in_words(now - expires)} ago. Get a new one: entra-tokens token"))
    elif expires - now < _SOON:
        found.append(Verdict("expires_soon", f"It expires in {in_words(expires - now)}.", refuses=False))
    if begins is not None and begins > now:
        found.append(
            Verdict(
                "not_yet_valid",
                f"It is not valid yet, for another {in_words(begins - now)}: this machine's clock is slow, or that of "
                "whoever issued it is fast. 'entra-tokens doctor' compares them.",
            )
        )
    elif issued is not None and issued > now + _CLOCK_STEP:
        found.append(
            Verdict("clock", "It was issued in the future by this machine's clock, which is slow.", refuses=False)
        )
    return found


def _audience(read: Read, scope: str | None) -> list[Verdict]:
    audience = text_of(read.claims, "aud")
    if read.kind == "id":
        return []
    if audience is None:
        return [Verdict("no_audience", "It does not say for whom it is (no 'aud').")]
    if read.kind == "graph":
        graph = Verdict(
            "graph_token",
            "It is for Microsoft Graph alone, whose tokens nobody else can verify (a nonce is in the header).",
            refuses=False,
        )
        if scope is None:
            return [graph]
    if scope is None:
        hint = f"Whether {audience!r} is who you send it to cannot be told: add --scope to have it compared."
        return [Verdict("audience_unchecked", hint, refuses=False)]
    wanted = to_resource(to_scopes(scope)[:1])
    if _same_audience(audience, wanted):
        return []
    if _GUID.fullmatch(audience) and not _GUID.search(wanted):
        text = f"Its audience is the id {audience}; whether that is {wanted!r} only the tenant knows."
        return [Verdict("audience_unchecked", text, refuses=False)]
    return [
        Verdict(
            "wrong_audience",
            f"It is for {audience!r}, not for {wanted!r}. Ask for the right one: entra-tokens token --scope "
            f"{wanted}/.default",
        )
    ]


def _same_audience(audience: str, wanted: str) -> bool:
    """v1 tokens name the resource as it was asked for, v2 tokens the id in it."""
    plain_audience, plain = audience.rstrip("/").lower(), wanted.rstrip("/").lower()
    ids = _GUID.findall(plain)
    return plain_audience == plain or bool(ids and plain_audience == ids[-1]) or plain_audience == f"api://{plain}"


def _tenant(read: Read, tenant: str | None) -> list[Verdict]:
    home, issuer = text_of(read.claims, "tid"), text_of(read.claims, "iss") or ""
    found = []
    if tenant and home and _GUID.fullmatch(tenant) and tenant.lower() != home.lower():
        found.append(
            Verdict(
                "wrong_tenant",
                f"It is from the tenant {home}, not from {tenant}. Sign in there: entra-tokens login --tenant {tenant}",
            )
        )
    if home and home.lower() not in issuer.lower():
        found.append(Verdict("issuer", f"Its issuer {issuer!r} is not the one of its tenant {home}."))
    if str(read.header.get("alg", "")).lower() in ("", "none"):
        found.append(Verdict("unsigned", "It is not signed."))
    return found


def _powers(read: Read) -> list[Verdict]:
    if read.kind == "access" and not {"scp", "roles"} & read.claims.keys():
        return [
            Verdict(
                "no_permissions",
                "It carries neither roles nor scopes: an API that asks for either will answer 403.",
                refuses=False,
            )
        ]
    return []
