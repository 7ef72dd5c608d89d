"""DeviceCode: a person signs in on another device with a short code (RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..acquiring import Acquiring, acquiring, current
from ..authority.msal_app import MsalApps, checked_claims, claims_of
from ..authority.options import AuthorityOptions
from ..authority.redact import Secrets
from ..errors import AuthenticationFailed, ConfigurationError, ConsentRequired, InteractionRequired
from ..request import TokenRequest, checked_client_id, checked_tenant_id
from .device_flow import sign_in_by_code
from .fingerprint import fingerprint, object_key, trust
from .prompt import DeviceCodePrompt
from .sign_in import SignIn
from .turn import turn
from .value import Value

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ..authority.http import Seen
    from ..authority.verify import Verify
    from ..token import Token
    from .prompt import Prompt
    from .turn import Turn

__all__ = ["DeviceCode", "DeviceCodePrompt"]

# OpenID Connect scopes are added by msal, which refuses them from its caller.
_RESERVED = frozenset({"openid", "profile", "offline_access"})


class DeviceCode(Value):
    """Asks a person to sign in once, and renews without asking from then on.

    The person is asked only where a caller has nothing usable; background renewal never asks. Any number of threads
    may acquire at once: they wait for the same person. Pickles if `prompt` does; the sign-in itself stays here.

    Args:
        client_id: The application's (client) id; it must allow public client flows.
        tenant_id: The tenant's id or one of its domains; `organizations`: any work or school account.
        prompt: A function or coroutine function that shows a `DeviceCodePrompt`; called on a worker thread, off every
            event loop, and returned from at once. None: the message goes to stderr.
        remember: Whether the sign-in is kept for the process, beyond this object.
        account: Only this account will do: its user name or object id.
        interactive: False: never ask; use a remembered sign-in or raise InteractionRequired.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for one request, not for the person. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is sent at construction.
    """

    interactive: bool = True

    def __init__(
        self,
        client_id: str,
        tenant_id: str = "organizations",
        *,
        prompt: Prompt | None = None,
        remember: bool = True,
        account: str | None = None,
        interactive: bool = True,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.client_id = checked_client_id(client_id)
        self.tenant_id = checked_tenant_id(tenant_id)
        if prompt is not None and not callable(prompt):
            raise ConfigurationError("prompt must be a function or a coroutine function that takes a DeviceCodePrompt.")
        if account is not None and (not isinstance(account, str) or not account.strip() or not account.isprintable()):
            raise ConfigurationError("account must be a user name or an object id.")
        self.interactive = bool(interactive)
        self.account = account
        self._prompt = prompt
        self._remember = bool(remember)
        self._mine: dict[tuple[str, ...], Any] = {}
        self._options = AuthorityOptions.settled(authority, verify, proxy, timeout)
        self._identity = (
            "device_code",
            self._options.authority,
            self.tenant_id.lower(),
            self.client_id,
            (account or "").lower(),
            "" if remember else object_key(self),
            *trust(self._options),
        )
        self._apps = MsalApps(
            self._options, client_id=client_id, tenant_id=tenant_id, confidential=False, who=repr(self)
        )

    @property
    def identity(self) -> tuple[str, ...]:
        """Authority, tenant, application, account, and who was trusted on the way."""
        return self._identity

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
        around = current()
        kept = self._kept(around)
        checked_claims(request.claims)
        landed: Token | None = kept.pop(self._login_key(request), None)
        if landed is not None and landed.expires_on > around.clock.wall():
            return landed
        tried = kept.get(self._identity)
        token, why = self._renewed(request, kept, tried)
        if token is not None:
            return token
        if not self.interactive or not around.may_prompt:
            raise why or InteractionRequired(
                f"{self!r}: nobody is signed in, and this call may not ask. Sign in with login() or a call to token()."
            )
        with turn(self._identity, around) as mine:
            if kept.get(self._identity) is not tried:  # the one before in this turn has signed in
                token, _ = self._renewed(request, kept, kept.get(self._identity))
                if token is not None:
                    return token
            return self._asked(request, around, kept, mine)

    def login(self, scope: str | None = None) -> Token:
        """Ask the person to sign in now, whoever was signed in before; blocks until it is done.

        Providers with an equal credential use the sign-in from then on; tokens that they already hold for other scopes
        are used up. In async code: `await asyncio.to_thread(credential.login, scope)`.

        Args:
            scope: What to get a token for at once. None: `ENTRA_TOKENS_SCOPE`.

        Returns:
            The token; a provider for the same scope holds it too.

        Raises:
            InteractionRequired: The person declined or let the code run out.
        """
        from ..provider import TokenProvider

        with TokenProvider(self, scope) as provider:
            shared = provider._open  # noqa: SLF001 - the provider's engine is where the sign-in belongs
            around = Acquiring(shared.engine.clock, sign_ins=shared.engine.sign_ins)
            kept = self._kept(around)
            with acquiring(around), turn(self._identity, around) as mine:
                token = self._asked(shared.request, around, kept, mine)
            # The engine takes it from there, through acquire(), which sends nothing. A claims challenge is what makes
            # it ask although it may hold a token of whoever was signed in before, and replace that.
            kept[self._login_key(shared.request)] = token
            provider.get_token(claims=f'{{"login":"{fingerprint(str(token))}"}}')
            return token

    def _kept(self, around: Acquiring) -> MutableMapping[tuple[str, ...], Any]:
        return around.sign_ins if self._remember else self._mine

    def _login_key(self, request: TokenRequest) -> tuple[str, ...]:
        return (*self._identity, "login", request.tenant_id or "", str(request.enable_cae), *request.scopes)

    def _renewed(
        self, request: TokenRequest, kept: MutableMapping[tuple[str, ...], Any], sign_in: SignIn | None
    ) -> tuple[Token | None, InteractionRequired | None]:
        """A token by the remembered sign-in; or None, and why a person is needed."""
        if sign_in is None:
            return None, None

        def keep(seen: Seen) -> None:
            kept[self._identity] = SignIn.from_answer(seen.body, sign_in)

        try:
            return self._apps.token(
                request,
                lambda app: app.acquire_token_by_refresh_token(
                    sign_in.renewal, _asked_for(request), data={"claims": claims_of(request)}
                ),
                secrets=Secrets((sign_in.renewal,)),
                keep=keep,
            ), None
        except AuthenticationFailed as error:
            dead = error.error == "invalid_grant" and not isinstance(error, ConsentRequired)
            if dead and kept.get(self._identity) is sign_in:
                del kept[self._identity]
            if not dead and not isinstance(error, InteractionRequired):
                raise
            reason = error
        if isinstance(reason, InteractionRequired):
            return None, reason
        return None, InteractionRequired(
            reason.message,
            error=reason.error,
            codes=reason.codes,
            description=reason.description,
            suberror=reason.suberror,
            claims=reason.claims,
            correlation_id=reason.correlation_id,
            hint=reason.hint,
        )

    def _asked(
        self, request: TokenRequest, around: Acquiring, kept: MutableMapping[tuple[str, ...], Any], mine: Turn
    ) -> Token:
        def prompted(until: float) -> None:
            mine.until = until
            around.on_prompt(until)

        def keep(seen: Seen) -> None:
            sign_in = SignIn.from_answer(seen.body)
            if sign_in is not None and self.account is not None and not sign_in.is_of(self.account):
                raise InteractionRequired(
                    f"{self!r}: {sign_in.username} signed in, but not {self.account}. Sign in as that account."
                )
            if sign_in is not None:
                kept[self._identity] = sign_in

        return sign_in_by_code(
            self._apps,
            request,
            _asked_for(request),
            around=around,
            prompt=self._prompt,
            prompted=prompted,
            keep=keep,
            who=repr(self),
        )

    def __repr__(self) -> str:
        account = "" if self.account is None else f", account={self.account!r}"
        return f"DeviceCode(client_id={self.client_id!r}, tenant_id={self.tenant_id!r}{account})"

    def __reduce__(self) -> tuple[Any, ...]:
        options = self._options
        return _rebuilt, (
            (self.client_id, self.tenant_id),
            {
                "prompt": self._prompt,
                "remember": self._remember,
                "account": self.account,
                "interactive": self.interactive,
                "authority": options.authority,
                "verify": options.verify,
                "proxy": options.proxy or "",
                "timeout": options.timeout,
            },
        )


def _rebuilt(names: tuple[str, str], options: dict[str, Any]) -> DeviceCode:
    return DeviceCode(*names, **options)


def _asked_for(request: TokenRequest) -> list[str]:
    return [scope for scope in request.scopes if scope not in _RESERVED]
