"""Sign-ins that wait for their person, and the codes that they end in.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .refresh_tokens import Grant
from .refusals import refusal_for

if TYPE_CHECKING:
    from .clock import EmulatorClock
    from .registry import Account, Application
    from .token_call import TokenCall

__all__ = ["AuthorizationCodes", "Redeemed", "SignIn", "is_registered"]

_CODE_LIFE = 600  # seconds
_PENDING_LIMIT = 1000


@dataclass(frozen=True)
class SignIn:
    """An authorize request that was found good. `form_token` proves that an answer comes from the page for it."""

    application: Application
    tenant: str
    redirect_uri: str
    scopes: str
    state: str | None
    response_mode: str
    nonce: str | None
    challenge: str
    challenge_method: str
    login_hint: str
    acrs: tuple[str, ...]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


@dataclass
class _Code:
    sign_in: SignIn
    account: Account
    issued_on: float
    used: bool = False


@dataclass(frozen=True)
class Redeemed:
    grant: Grant
    credential: str
    nonce: str | None


class AuthorizationCodes:
    """Any thread may call anything."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, SignIn] = {}
        self._codes: dict[str, _Code] = {}

    def wait_for(self, sign_in: SignIn) -> None:
        with self._lock:
            if len(self._waiting) >= _PENDING_LIMIT:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[sign_in.id] = sign_in

    def waiting(self, sign_in_id: str) -> SignIn | None:
        with self._lock:
            return self._waiting.get(sign_in_id)

    def issue(self, sign_in: SignIn, account: Account) -> str:
        """A code for this person; the sign-in waits no longer."""
        code = "1.AX" + secrets.token_urlsafe(64)
        with self._lock:
            self._waiting.pop(sign_in.id, None)
            self._codes[code] = _Code(sign_in, account, self._clock.now())
        return code

    def forget(self, sign_in: SignIn) -> None:
        with self._lock:
            self._waiting.pop(sign_in.id, None)

    def redeem(self, call: TokenCall, code: str) -> Redeemed:
        """What the code stands for, once.

        Raises:
            Refusal: It is used, too old, not this client's, or the verifier or the address does not fit.
        """
        with self._lock:
            found = self._codes.get(code)
        if found is None or found.sign_in.application is not call.application:
            raise refusal_for(9002313, expected="code: one that the authorize endpoint gave to this client")
        sign_in = found.sign_in
        # A web application's address means a client that can keep a secret; every native one is on this machine.
        is_web = urlsplit(sign_in.redirect_uri).scheme == "https" and not call.application.is_public
        credential = call.credential(needed=is_web)
        if call.tenant_id is not None and call.world.registry.tenant(sign_in.tenant) not in (None, call.tenant_id):
            raise refusal_for(700005, expected=f"the tenant of the sign-in, {sign_in.tenant}")
        self._check(call, sign_in)
        with self._lock:
            if found.used:
                raise refusal_for(54005)
            if found.issued_on + _CODE_LIFE <= self._clock.now():
                raise refusal_for(70008)
            found.used = True
        acrs = tuple(dict.fromkeys((*sign_in.acrs, *call.claims.acrs)))
        grant = Grant(
            call.application.client_id, found.account, sign_in.scopes, acrs=acrs, signed_in_on=found.issued_on
        )
        return Redeemed(grant, credential, sign_in.nonce)

    @staticmethod
    def _check(call: TokenCall, sign_in: SignIn) -> None:
        address = call.form.get("redirect_uri", "")
        if address != sign_in.redirect_uri:
            details = {"redirect_uri": address, "expected_uri": sign_in.redirect_uri}
            raise refusal_for(500112, **details, expected=f"redirect_uri: {sign_in.redirect_uri}")
        verifier = call.form.get("code_verifier", "")
        if not sign_in.challenge:
            return
        if not verifier:
            raise refusal_for(50148, expected="code_verifier: the one whose challenge was sent")
        made = verifier
        if sign_in.challenge_method == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if made != sign_in.challenge:
            raise refusal_for(501481, expected="code_verifier: the one whose challenge was sent")


def is_registered(application: Application, redirect_uri: str) -> bool:
    """Exactly as registered, but for the port of `http://localhost` (RFC 8252 §7.3)."""
    if redirect_uri in application.redirect_uris:
        return True
    return any(_without_port(redirect_uri) == _without_port(known) != "" for known in application.redirect_uris)


def _without_port(address: str) -> str:
    try:
        parts = urlsplit(address)
        if parts.scheme != "http" or parts.hostname != "localhost" or parts.username or parts.fragment:
            return ""
        return f"http://localhost{parts.path.rstrip('/') or '/'}?{parts.query}"
    except ValueError:
        return ""
