"""The page on which a person signs in: chooses an account, or declines."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .page_frame import hidden, page
from .scopes import OIDC

if TYPE_CHECKING:
    from starlette.responses import HTMLResponse

    from .authorization_codes import SignIn
    from .refusals import Refusal
    from .registry import Account

__all__ = ["hand_over_page", "origin_of", "refusal_page", "sign_in_page"]


def sign_in_page(sign_in: SignIn, accounts: list[Account]) -> HTMLResponse:
    """Ask for an account; the hinted one is the first."""
    hint = sign_in.login_hint.lower()
    ordered = sorted(accounts, key=lambda account: account.user.username.lower() != hint)
    buttons = "\n".join(
        f'<div class="buttons"><button{_primary(position)} name="username" '
        f'value="{escape(account.user.username, quote=True)}">{escape(account.user.name)}'
        f"<br><small>{escape(account.user.username)}</small></button></div>"
        for position, account in enumerate(ordered)
    )
    asked = " ".join(scope for scope in sign_in.scopes.split() if scope not in OIDC) or sign_in.scopes
    content = f"""<dl>
<dt>Application</dt><dd>{escape(sign_in.application.name)}<br><small>{escape(sign_in.application.client_id)}</small></dd>
<dt>Asks for</dt><dd>{escape(asked)}</dd>
<dt>Answers to</dt><dd>{escape(sign_in.redirect_uri)}</dd>
</dl>
<form method="post" action="/signin" aria-label="Accounts">
{hidden("sign_in", sign_in.id)}
{hidden("form_token", sign_in.form_token)}
{buttons}
<div class="buttons"><button name="decline" value="yes">Cancel</button></div>
</form>"""
    return page("Pick an account", content, sends_to=origin_of(sign_in.redirect_uri))


def hand_over_page(redirect_uri: str, fields: dict[str, str]) -> HTMLResponse:
    """`response_mode=form_post`: the answer in a form, which a person sends because no script does."""
    inputs = "\n".join(hidden(name, value) for name, value in fields.items())
    content = f"""<p>The answer goes to {escape(redirect_uri)}</p>
<form method="post" action="{escape(redirect_uri, quote=True)}">
{inputs}
<div class="buttons"><button class="primary" autofocus>Continue</button></div>
</form>"""
    return page("Signed in" if "code" in fields else "Not signed in", content, sends_to=origin_of(redirect_uri))


def refusal_page(refusal: Refusal) -> HTMLResponse:
    """What cannot be told to the application, because it is not known to be one."""
    return page("Sorry, but we are having trouble signing you in", f"<p>{escape(refusal.text)}</p>", 400)


def origin_of(address: str) -> str:
    """The origin, or the scheme where there is no host; nothing that could end a header's directive."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc and parts.scheme in ("http", "https") else ""
    origin = origin or f"{parts.scheme}:"
    return origin if all(c.isalnum() or c in ":/.-[]+_" for c in origin) else ""


def _primary(position: int) -> str:
    return ' class="primary" autofocus' if position == 0 else ""
