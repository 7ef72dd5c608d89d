"""OnBehalfOf: a service that calls another in the name of the user who called it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ..authority.claims import checked_claims
from ..authority.guard import guarded
from ..authority.msal_app import MsalApps
from ..authority.options import AuthorityOptions
from ..authority.redact import Secrets
from ..errors import ConfigurationError
from ..request import checked_client_id
from .application import checked_application_tenant, token_endpoint
from .certificate import CertificateProof
from .fingerprint import fingerprint, trust, trust_under
from .msal_application import MsalApplication
from .person import asked_for
from .proof import AssertionProof, SecretProof
from .value import Value, refuse_pickling

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token
    from .client_assertion import ClientAssertion
    from .client_certificate import ClientCertificate
    from .proof import Proof

__all__ = ["OnBehalfOf"]

MOST_APPLICATIONS = 32  # of one process; each is an msal application or a few, whatever the number of users


class OnBehalfOf(Value):
    """Exchanges the token that a user sent for one to another service (OAuth 2.0 on-behalf-of).

    Make one for each user's token: it is cheap, and those of one application share what it takes to ask. Tokens are
    kept for each user and assertion, by a digest of it. Any number of threads may acquire at once. Does not pickle: it
    holds the user's token.

    Args:
        tenant_id: The tenant's id or one of its domains.
        client_id: The id of the application that the user's token is for.
        client_credential: How that application proves who it is: its secret (a str); its certificate (bytes or a
            `pathlib.Path`, PEM or PFX; a `ClientCertificate` where there is a password); or a callable that returns a
            client assertion.
        user_assertion: The access token that the user sent, without `Bearer`.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is read or sent at construction.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        client_credential: str | bytes | os.PathLike[str] | Callable[[], str] | ClientCertificate | ClientAssertion,
        user_assertion: str,
        *,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.tenant_id: str = checked_application_tenant(tenant_id)
        self.client_id: str = checked_client_id(client_id)
        options = AuthorityOptions.settled(authority, verify, proxy, timeout)
        self._options = options
        self._user = Secrets((_checked(user_assertion),))
        proof = _proof(client_credential)
        application = ("on_behalf_of", options.authority, tenant_id.lower(), client_id, *(proof.name() or ()))
        self._identity = (*application, fingerprint(user_assertion), *trust(options))
        made = _Shared(
            MsalApps(options, client_id=client_id, tenant_id=tenant_id, confidential=True, who=repr(self)), proof
        )
        self._shared = _applications.shared((*application, *trust(options), str(options.timeout)), made)

    @property
    def identity(self) -> tuple[str, ...]:
        """Authority, tenant, application, digests of its proof and of the user's token, and who was trusted."""
        return self._identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """The same with digests that are keyed with a store's key; None: no other process can mean the same."""
        proof, trusted = self._shared.proof.name(key), trust_under(key, self._options)
        if proof is None or trusted is None:
            return None
        me = ("on_behalf_of", self._options.authority, self.tenant_id.lower(), self.client_id)
        return (*me, *proof, fingerprint(self._user[0], key), *trusted)

    @property
    def held_bytes(self) -> int:
        """The length of the user's token, for whoever bounds memory."""
        return len(self._user[0])

    @property
    def authority(self) -> str:
        """`https://host[:port]` of the token service."""
        return self._options.authority

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            InteractionRequired: The user has to do something (a second factor, say): answer the user's request with
                the error's `claims`, so that their application asks for a token that has them.
            ConsentRequired: Nobody has agreed to the application's calling that service.
            InvalidCredential: The authority does not take the application's proof.
            AuthenticationFailed: It refused for another reason: the user's token is for somebody else, or has run out.
            AuthorityUnavailable: No usable answer came.
            ConfigurationError: There is no proof to show, or the claims are no JSON.
        """
        claims = checked_claims(request.claims)
        return guarded(lambda: self._acquire(request, claims), who=repr(self))

    def _acquire(self, request: TokenRequest, claims: str | None) -> Token:
        endpoint = token_endpoint(self._options, request.tenant_id or self.tenant_id)
        shown = self._shared.proof.show(self.client_id, endpoint)
        return self._shared.apps.token(
            request,
            lambda app: app.acquire_token_on_behalf_of(self._user[0], asked_for(request), claims_challenge=claims),
            credential=shown.client_credential,
            secrets=Secrets((*shown.secrets, *self._user)),
        )

    def __repr__(self) -> str:
        return f"OnBehalfOf(tenant_id={self.tenant_id!r}, client_id={self.client_id!r})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise refuse_pickling("OnBehalfOf")


class _Shared(NamedTuple):
    """What the users of one application have in common: its msal applications, and the proof that these know."""

    apps: MsalApps
    proof: Proof

    def __repr__(self) -> str:
        return "<application>"


class _Applications:
    """The applications used last. Any thread may ask."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, ...], _Shared] = OrderedDict()
        self.renew_lock()

    def renew_lock(self) -> None:
        """For a forked child, in which nobody would release it."""
        self._lock = threading.Lock()

    def shared(self, key: tuple[str, ...], made: _Shared) -> _Shared:
        """The one held under this key, else the one just made."""
        with self._lock:
            held = self._held.setdefault(key, made)
            self._held.move_to_end(key)
            if len(self._held) > MOST_APPLICATIONS:
                self._held.popitem(last=False)
            return held

    def __len__(self) -> int:
        return len(self._held)


_applications = _Applications()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_applications.renew_lock)


def _proof(given: Any) -> Proof:
    if isinstance(given, str):
        return SecretProof(given)
    if isinstance(given, MsalApplication):
        shown: Proof = given._proof  # noqa: SLF001 - a credential of the same kind
        return shown
    if isinstance(given, (bytes, os.PathLike)):
        return CertificateProof(given, None, send_chain=False)
    if callable(given):
        return AssertionProof(given)  # pyright: ignore[reportArgumentType] # what it returns is checked when it is asked
    raise ConfigurationError(
        "client_credential must be a secret (str), a certificate (bytes, a pathlib.Path or a ClientCertificate) or a "
        f"callable that returns a client assertion, not {type(given).__name__}."
    )


def _checked(assertion: object) -> str:
    if not isinstance(assertion, str) or not assertion or not assertion.isascii() or len(assertion.split()) != 1:
        raise ConfigurationError(
            "user_assertion must be the access token that the user sent: the Authorization header without 'Bearer '."
        )
    return str(assertion)
