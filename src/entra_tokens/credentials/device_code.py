"""DeviceCode: a person signs in on another device with a short code (RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from .device_flow import sign_in_by_code
from .person import Person, asked_for
from .prompt import DeviceCodePrompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..acquiring import Acquiring
    from ..authority.seen import Seen
    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token
    from .prompt import Prompt

__all__ = ["DeviceCode", "DeviceCodePrompt"]


class DeviceCode(Person):
    """Asks a person to sign in once, and renews without asking from then on.

    The person is asked only where a caller has nothing usable; background renewal never asks. The sign-in is kept in
    sealed files (`FileStore()`), and so survives the process and the expiry of its tokens; processes that need one at
    the same time ask once. Any number of threads may acquire at once: they wait for the same person. Pickles if
    `prompt` does; the sign-in itself stays here.

    Args:
        client_id: The application's (client) id; it must allow public client flows.
        tenant_id: The tenant's id or one of its domains; `organizations`: any work or school account.
        prompt: A function or coroutine function that shows a `DeviceCodePrompt`; called on a worker thread, off every
            event loop, and returned from at once. None: the message goes to stderr.
        remember: Whether the sign-in is kept beyond this object and this process.
        account: Only this account will do: its user name or object id. None: whoever signed in last.
        interactive: False: never ask; use a remembered sign-in or raise InteractionRequired.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none.
        timeout: Seconds for one request, not for the person. Default 10.

    Raises:
        ConfigurationError: A value cannot be right. Nothing is sent at construction.
    """

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
        if prompt is not None and not callable(prompt):
            raise ConfigurationError("prompt must be a function or a coroutine function that takes a DeviceCodePrompt.")
        self._prompt = prompt
        super().__init__(
            "device_code",
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
        return sign_in_by_code(
            self._apps,
            request,
            asked_for(request),
            around=around,
            prompt=self._prompt,
            prompted=prompted,
            keep=keep,
            who=repr(self),
        )

    def _more(self) -> dict[str, Any]:
        return {"prompt": self._prompt}
