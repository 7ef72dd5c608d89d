"""InteractiveBrowser: a person signs in with the browser of this machine (authorization code with PKCE)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..authority.failures import refusal
from ..authority.redact import Secrets
from ..errors import AuthenticationFailed, ConfigurationError, CredentialUnavailable, InteractionRequired
from .person import Person, asked_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..acquiring import Acquiring
    from ..authority.seen import Seen
    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token
    from .loopback import Loopback

__all__ = ["InteractiveBrowser"]

_ANCHOR = "device-code-and-browser"

_LOOK = 0.1  # seconds between looks at whether anybody still waits
_PATIENCE = 300.0  # seconds that the person has, as in azure-identity


class InteractiveBrowser(Person):
    """Opens the browser for a person to sign in once, and renews without asking from then on.

    The person is asked only where a caller has nothing usable; background renewal never asks. The sign-in is kept in
    sealed files (`FileStore()`), and so survives the process and the expiry of its tokens; processes that need one at
    the same time ask once. Any number of threads may acquire at once: they wait for the same person. Pickles if
    `opener` does; the sign-in itself stays here.

    Args:
        client_id: The application's (client) id; `http://localhost` must be one of its redirect URIs, for mobile and
            desktop applications.
        tenant_id: The tenant's id or one of its domains; `organizations`: any work or school account.
        opener: Given the address of the sign-in page, shows it and returns False if it cannot. Called on a worker
            thread. None: `webbrowser.open`.
        remember: Whether the sign-in is kept beyond this object and this process.
        account: Only this account will do: its user name or object id. None: whoever signed in last.
        interactive: False: never ask; use a remembered sign-in or raise InteractionRequired.
        sign_in_timeout: Seconds that the person has. Default 300.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for one request, not for the person. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is sent or opened at construction.
    """

    def __init__(
        self,
        client_id: str,
        tenant_id: str = "organizations",
        *,
        opener: Callable[[str], object] | None = None,
        remember: bool = True,
        account: str | None = None,
        interactive: bool = True,
        sign_in_timeout: float = _PATIENCE,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        from ..authority.options import checked_timeout

        if opener is not None and not callable(opener):
            raise ConfigurationError("opener must be a function that takes the address of the sign-in page.")
        self._opener = opener
        self._patience = checked_timeout(sign_in_timeout)
        super().__init__(
            "interactive_browser",
            client_id,
            tenant_id,
            remember=remember,
            account=account,
            interactive=interactive,
            authority=authority,
            verify=verify,
            proxy=proxy,
            timeout=timeout,
        )

    def _ask(
        self,
        request: TokenRequest,
        around: Acquiring,
        prompted: Callable[[float], None],
        keep: Callable[[Seen], None],
    ) -> Token:
        from .loopback import Loopback

        scopes = asked_for(request)
        with Loopback() as loopback:
            flow: dict[str, Any] = self._apps.prepare(
                request,
                lambda app: app.initiate_auth_code_flow(
                    scopes,
                    redirect_uri=loopback.redirect_uri,
                    login_hint=self.account,
                    prompt="select_account" if self.account is None else None,
                    claims_challenge=request.claims,
                    response_mode="form_post",  # no code in the browser's history
                ),
            )
            loopback.state = flow["state"]
            prompted(around.clock.wall() + self._patience)
            self._show(flow["auth_uri"])
            fields = self._awaited(loopback, around)
        if "error" in fields:
            raise self._ending(fields)
        return self._apps.token(
            request,
            lambda app: app.acquire_token_by_auth_code_flow(flow, fields, scopes=scopes),
            secrets=Secrets((fields["code"], flow["code_verifier"])),
            keep=keep,
        )

    def _show(self, address: str) -> None:
        failed = ""
        try:
            if self._opener is not None:
                shown = self._opener(address)
            else:
                import webbrowser

                shown = webbrowser.open(address)
        except Exception as error:
            failed = type(error).__name__
        else:
            if shown is not False:
                return
        if failed and self._opener is not None:
            raise AuthenticationFailed(f"{self!r}: the function given as opener= raised {failed}.")
        raise CredentialUnavailable(
            f"{self!r}: there is no browser here. Use DeviceCode, which needs none on this machine.", anchor=_ANCHOR
        )

    def _awaited(self, loopback: Loopback, around: Acquiring) -> dict[str, str]:
        until = around.clock.boot() + self._patience
        while True:
            fields = loopback.answer(_LOOK)
            if fields is not None:
                return fields
            if around.abandoned.is_set():
                raise InteractionRequired(
                    f"{self!r}: the sign-in was given up, because nobody waits for it any more. Ask again.",
                    anchor=_ANCHOR,
                )
            if around.clock.boot() >= until:
                raise InteractionRequired(
                    f"{self!r}: nobody signed in within {self._patience:g} s. Ask again.", anchor=_ANCHOR
                )

    def _ending(self, fields: dict[str, str]) -> Exception:
        if fields["error"] == "access_denied":
            return InteractionRequired(
                f"{self!r}: the person declined to sign in.", error="access_denied", anchor=_ANCHOR
            )
        return refusal(fields, who=repr(self))

    def _more(self) -> dict[str, Any]:
        return {"opener": self._opener, "sign_in_timeout": self._patience}
