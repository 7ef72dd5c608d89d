"""The device authorization grant (RFC 8628), one poll a step, so that it can be left at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..authority.expiry import number
from ..authority.failures import unavailable
from ..authority.redact import Secrets
from ..errors import AuthenticationFailed, AuthorityUnavailable, InteractionRequired
from ..token import Token
from .prompt import DeviceCodePrompt, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..acquiring import Acquiring
    from ..authority.msal_app import MsalApps
    from ..authority.seen import Seen
    from ..request import TokenRequest
    from .prompt import Prompt

__all__ = ["sign_in_by_code"]

_ANCHOR = "device-code-and-browser"
_INTERVAL = 5.0  # RFC 8628 §3.2: where the authority names none
_SLOWER = 5.0  # §3.5: what slow_down adds, for good
_EXPIRES_IN = 900.0  # Entra's own, where it were to name none


def sign_in_by_code(
    apps: MsalApps,
    request: TokenRequest,
    scopes: list[str],
    *,
    around: Acquiring,
    prompt: Prompt | None,
    prompted: Callable[[float], None],
    keep: Callable[[Seen], None],
    who: str,
) -> Token:
    """Show a code and poll until the person has used it.

    Args:
        apps: The application.
        request: What is wanted.
        scopes: Its scopes as msal takes them.
        around: The clock, and whether anybody still waits.
        prompt: Shows the code.
        prompted: Called with the epoch second at which the code runs out.
        keep: Given the whole good answer.
        who: The credential, for messages.

    Raises:
        InteractionRequired: The person declined, the code ran out, or nobody waits any more.
        AuthenticationFailed: The authority refused for another reason, or the prompt failed.
        AuthorityUnavailable: No code came.
    """
    flow = _Flow(apps.answer(request, lambda app: app.initiate_device_flow(scopes)), who)
    until = around.clock.boot() + flow.expires_in
    prompted(flow.prompt.expires_on)
    show(prompt, flow.prompt)
    interval = pause = flow.interval
    while True:
        if around.clock.sleep(pause, around.abandoned):
            raise InteractionRequired(
                f"{who}: the sign-in was given up, because nobody waits for it any more. Ask again.", anchor=_ANCHOR
            )
        if around.clock.boot() >= until:
            raise InteractionRequired(f"{who}: {_RAN_OUT}.", error="expired_token", anchor=_ANCHOR)
        outcome = _polled(apps, request, flow, keep)
        if isinstance(outcome, Token):
            return outcome
        if isinstance(outcome, AuthenticationFailed):
            if outcome.error == "slow_down":
                interval += _SLOWER
            elif outcome.error != "authorization_pending":
                raise _ending(outcome, who)
        # A dropped or failed poll says nothing about the person, who may be typing at this moment.
        pause = max(interval, getattr(outcome, "retry_after", None) or 0.0)


def _polled(
    apps: MsalApps, request: TokenRequest, flow: _Flow, keep: Callable[[Seen], None]
) -> Token | AuthenticationFailed | AuthorityUnavailable:
    try:
        return apps.token(request, lambda app: flow.poll(app, request), secrets=Secrets((flow.device_code,)), keep=keep)
    except (AuthenticationFailed, AuthorityUnavailable) as error:
        return error.with_traceback(None)


class _Flow:
    """The authority's answer to the wish for a code."""

    __slots__ = ("device_code", "expires_in", "interval", "prompt")

    def __init__(self, seen: Seen, who: str) -> None:
        body = seen.body
        texts = [body.get(name) for name in ("device_code", "user_code", "verification_uri")]
        if not all(isinstance(text, str) and text and text.isprintable() for text in texts):
            raise unavailable(who, "the authority's answer holds no code to sign in with", anchor=_ANCHOR)
        self.device_code, user_code, uri = (str(text) for text in texts)
        self.expires_in = _seconds(body.get("expires_in"), _EXPIRES_IN)
        self.interval = _seconds(body.get("interval"), _INTERVAL)
        message = body.get("message")
        if not isinstance(message, str) or not message:
            message = f"To sign in, open {uri} and enter the code {user_code}."
        # It goes to a terminal: no escape sequences.
        message = "".join(letter if letter.isprintable() else " " for letter in message)
        self.prompt = DeviceCodePrompt(user_code, uri, seen.asked_at + self.expires_in, message)

    def poll(self, app: Any, request: TokenRequest) -> None:
        """One request; msal's own loop would sleep where nobody can wake it."""
        app.acquire_token_by_device_flow(
            {"device_code": self.device_code}, claims_challenge=request.claims, exit_condition=_after_one
        )

    def __repr__(self) -> str:
        return "<device flow>"


def _after_one(_: object) -> bool:
    return True


def _seconds(value: Any, default: float) -> float:
    found = number(value)
    return default if found is None or found <= 0 else found


_RAN_OUT = "the code ran out before anybody signed in with it. Ask again for a new one"
_DECLINED = "the person declined to sign in. Ask again to try once more"
_ENDINGS = {
    "authorization_declined": _DECLINED,
    "access_denied": _DECLINED,
    "expired_token": _RAN_OUT,
    "code_expired": _RAN_OUT,
}


def _ending(error: AuthenticationFailed, who: str) -> AuthenticationFailed:
    """The error that ends the flow (RFC 8628 §3.5)."""
    if error.error not in _ENDINGS:
        return error
    return InteractionRequired(
        f"{who}: {_ENDINGS[error.error]}.",
        error=error.error,
        codes=error.codes,
        description=error.description,
        correlation_id=error.correlation_id,
        anchor=_ANCHOR,
    )
