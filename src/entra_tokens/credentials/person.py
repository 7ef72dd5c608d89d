"""What credentials that ask a person have in common: they remember, renew silently, and ask one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..acquiring import Acquiring, SignIns, acquiring, current
from ..authority.claims import checked_claims, claims_of
from ..authority.failures import person_needed
from ..authority.guard import guarded
from ..authority.msal_app import MsalApps
from ..authority.options import AuthorityOptions
from ..authority.redact import Secrets
from ..errors import AuthenticationFailed, ConfigurationError, ConsentRequired, InteractionRequired
from ..request import checked_client_id, checked_tenant_id
from .fingerprint import fingerprint, object_key, trust, trust_under
from .remembered import Remembered, application
from .sign_in import SignIn
from .turn import turn
from .value import Value, rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..authority.seen import Seen
    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["Person", "asked_for"]

_ANCHOR = "device-code-and-browser"
# Why Entra refuses this one request, and no other that the same sign-in makes: another factor for this API, a policy.
_OF_THIS_REQUEST = frozenset({"basic_action", "additional_action", "message_only"})
# OpenID Connect scopes are added by msal, which refuses them from its caller.
_RESERVED = frozenset({"openid", "profile", "offline_access"})


class Person(Value):
    """A credential that asks a person once and renews without asking from then on; `_ask()` is how it asks.

    Args:
        kind: What its identity begins with.
        client_id: The application's (client) id.
        tenant_id: The tenant.
        remember: Whether the sign-in outlives this object.
        account: Only this account will do.
        interactive: Whether to ask at all.
        options: Where the authority is and how to get there.
    """

    interactive: bool = True

    def __init__(
        self,
        kind: str,
        client_id: str,
        tenant_id: str,
        *,
        remember: bool,
        account: str | None,
        interactive: bool,
        authority: str | None,
        verify: Verify,
        proxy: str | None,
        timeout: float,
    ) -> None:
        self.client_id: str = checked_client_id(client_id)
        self.tenant_id: str = checked_tenant_id(tenant_id)
        if account is not None and (not isinstance(account, str) or not account.strip() or not account.isprintable()):
            raise ConfigurationError("account must be a user name or an object id.")
        self.interactive = bool(interactive)
        self.account = account
        self._remember = bool(remember)
        self._mine: dict[tuple[str, ...], Any] = {}
        self._options, self._kind = AuthorityOptions.settled(authority, verify, proxy, timeout), kind
        mark = "" if remember else object_key(self)
        # Whose sign-in it is; those who may ask and those who may not use the same one.
        self._whose = (*self._asker(account or ""), mark, *trust(self._options))
        self._identity = (*self._whose, "asks" if self.interactive else "never asks")
        self._apps = MsalApps(
            self._options, client_id=client_id, tenant_id=tenant_id, confidential=False, who=repr(self)
        )

    @property
    def identity(self) -> tuple[str, ...]:
        """Authority, tenant, application, account, who was trusted on the way, and whether it may ask.

        The last, since a flight is shared: one that may not ask must not fail those who may, and the other way round.
        """
        return self._identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """That of the account which is signed in at this moment; None: nobody is, or it is not to be remembered."""
        sign_in = self._remembered(current()).get()
        trusted = trust_under(key, self._options)
        if not self._remember or sign_in is None or trusted is None:
            return None
        return (*self._asker(sign_in.who), str(sign_in.signed_in), *trusted)

    def _asker(self, account: str) -> tuple[str, ...]:
        return self._kind, self._options.authority, self.tenant_id.lower(), self.client_id, account.lower()

    @property
    def authority(self) -> str:
        """`https://host[:port]` of the token service."""
        return self._options.authority

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token: by the remembered sign-in, else by asking the person.

        Raises:
            InteractionRequired: A person is needed and may not be asked, declined, or let the code run out.
            AuthenticationFailed: The authority refused for another reason.
            AuthorityUnavailable: No usable answer came.
        """
        checked_claims(request.claims)
        return guarded(lambda: self._acquire(request), who=repr(self), causes=True)

    def _acquire(self, request: TokenRequest) -> Token:
        around = current()
        kept = self._remembered(around)
        landed: Token | None = self._memory(around).pop(self._login_key(request), None)
        if landed is not None and landed.expires_on > around.clock.wall():
            return landed
        tried: set[str] = set()
        why: InteractionRequired | None = None
        # Twice: another process may have rotated the sign-in at this moment, so that this one is too late with it.
        while len(tried) < 2 and (sign_in := _untried(kept.get(), tried)) is not None:
            token, why = self._renewed(request, kept, sign_in)
            if token is not None:
                return token
            tried.add(sign_in.renewal)
        if not self.interactive or not around.may_prompt:
            raise why or InteractionRequired(
                f"{self!r}: nobody is signed in, and this call may not ask. Sign in with login() or a call to token().",
                anchor=_ANCHOR,
            )
        return self._in_turn(request, around, kept, kept.get, tried)

    def login(self, scope: str | None = None, *, on_wait: Callable[[float], None] | None = None) -> Token:
        """Ask the person to sign in now, whoever was signed in before; blocks until it is done.

        Providers with an equal credential use the sign-in from then on; tokens that they already hold for other scopes
        are used up. Where another process is already asking, its sign-in is waited for and shared. In async code:
        `await asyncio.to_thread(credential.login, scope)`.

        Args:
            scope: What to get a token for at once. None: `ENTRA_TOKENS_SCOPE`.
            on_wait: Called, where somebody else asks the person, with the epoch second until which that goes on.

        Returns:
            The token; a provider for the same scope holds it too.

        Raises:
            InteractionRequired: The person declined or let the code run out.
        """
        from ..provider import TokenProvider

        with TokenProvider(self, scope) as provider:
            shared = provider._open  # noqa: SLF001 - the provider's engine is where the sign-in belongs
            around = Acquiring(shared.engine.clock, sign_ins=shared.engine.sign_ins, on_wait=on_wait)
            kept = self._remembered(around)
            before = kept.latest()

            def since() -> SignIn | None:
                found = kept.latest()
                return found if before is None or (found and found.signed_in > before.signed_in) else None

            with acquiring(around):
                token = guarded(
                    lambda: self._in_turn(shared.request, around, kept, since, set()), who=repr(self), causes=True
                )
            # The engine takes it from there, through acquire(), which sends nothing. A claims challenge is what makes
            # it ask although it may hold a token of whoever was signed in before, and replace that.
            self._memory(around)[self._login_key(shared.request)] = token
            provider.get_token(claims=f'{{"login":"{fingerprint(str(token))}"}}')
            return token

    def asked_elsewhere(self) -> bool:
        """Whether another process of this user has somebody sign in to this application at the moment; never waits."""
        return self._remembered(current()).asked_elsewhere()

    def _memory(self, around: Acquiring) -> Any:
        return around.sign_ins if self._remember else self._mine

    def _remembered(self, around: Acquiring) -> Remembered:
        sign_ins = self._memory(around)
        files = sign_ins.files if isinstance(sign_ins, SignIns) else None
        app = application(self._options, self.tenant_id, self.client_id)
        return Remembered(self._whose, sign_ins, files, app, self.account)

    def _login_key(self, request: TokenRequest) -> tuple[str, ...]:
        return (*self._identity, "login", request.tenant_id or "", str(request.enable_cae), *request.scopes)

    def _in_turn(
        self,
        request: TokenRequest,
        around: Acquiring,
        kept: Remembered,
        look: Callable[[], SignIn | None],
        tried: set[str],
    ) -> Token:
        """Ask the person, one call after the other; who waited may find that somebody has signed in meanwhile."""

        def found() -> SignIn | None:
            return _untried(look(), tried)

        while True:
            with turn(self._whose, around, kept.turn(), lambda: found() is not None) as mine:
                sign_in = found()
                if sign_in is not None:
                    tried.add(sign_in.renewal)
                    token, _ = self._renewed(request, kept, sign_in)
                    if token is not None:
                        return token
                if mine is None:
                    continue

                def prompted(until: float, turn_to_ask: Any = mine) -> None:
                    turn_to_ask.prompted(until)
                    around.on_prompt(until)

                return self._ask(request, around, prompted, lambda seen: self._signed_in(seen, around, kept))

    def _ask(
        self,
        request: TokenRequest,
        around: Acquiring,
        prompted: Callable[[float], None],
        keep: Callable[[Seen], None],
    ) -> Token:
        """Ask the person.

        Args:
            request: What is wanted.
            around: The call's surroundings.
            prompted: To be called with the epoch second until which the person has time.
            keep: To be called with the good answer, before its token is used.
        """
        raise NotImplementedError

    def _signed_in(self, seen: Seen, around: Acquiring, kept: Remembered) -> None:
        sign_in = SignIn.from_answer(seen.body, now=around.clock.wall(), account=self.account)
        if sign_in is not None and self.account is not None and not sign_in.is_of(self.account):
            raise InteractionRequired(
                f"{self!r}: {sign_in.username} signed in, but not {self.account}. Sign in as that account.",
                anchor=_ANCHOR,
            )
        if sign_in is not None:
            kept.put(sign_in)

    def _renewed(
        self, request: TokenRequest, kept: Remembered, sign_in: SignIn
    ) -> tuple[Token | None, InteractionRequired | None]:
        """A token by the remembered sign-in; or None, and why a person is needed."""

        def keep(seen: Seen) -> None:
            kept.put(SignIn.from_answer(seen.body, sign_in) or sign_in, renewing=sign_in)

        try:
            return self._apps.token(
                request,
                lambda app: app.acquire_token_by_refresh_token(
                    sign_in.renewal, asked_for(request), data={"claims": claims_of(request)}
                ),
                secrets=Secrets((sign_in.renewal,)),
                keep=keep,
            ), None
        except AuthenticationFailed as error:
            dead = error.error == "invalid_grant" and error.suberror not in _OF_THIS_REQUEST
            dead = dead and not isinstance(error, ConsentRequired)
            if dead:
                kept.drop(sign_in)
            elif not isinstance(error, InteractionRequired):
                raise
            reason = error
        return None, person_needed(reason)

    def _more(self) -> dict[str, Any]:
        """What its constructor takes by keyword beside what all of them take."""
        raise NotImplementedError

    def __repr__(self) -> str:
        account = "" if self.account is None else f", account={self.account!r}"
        return f"{type(self).__name__}(client_id={self.client_id!r}, tenant_id={self.tenant_id!r}{account})"

    def __reduce__(self) -> tuple[Any, ...]:
        mine = {"remember": self._remember, "account": self.account, "interactive": self.interactive}
        keywords = {**mine, **self._options.keywords(), **self._more()}
        return rebuilt, (type(self), (self.client_id, self.tenant_id), keywords)


def _untried(sign_in: SignIn | None, tried: set[str]) -> SignIn | None:
    return None if sign_in is None or sign_in.renewal in tried else sign_in


def asked_for(request: TokenRequest) -> list[str]:
    """The scopes as msal takes them."""
    return [scope for scope in request.scopes if scope not in _RESERVED]
