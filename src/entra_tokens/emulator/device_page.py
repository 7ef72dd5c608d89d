"""The page on which a person answers a device code. Served by itself: no script, no outside asset."""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import RedirectResponse
from starlette.routing import Route

from .page_frame import hidden, page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .device_codes import DeviceCode
    from .world import World

__all__ = ["device_routes", "is_same_origin"]


def is_same_origin(request: Request) -> bool:
    """Whether a request comes from this origin's own page or from no page at all (a script, `curl`)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host')}"


def device_routes(world: World) -> list[Route]:
    async def show(request: Request) -> Response:
        typed = request.query_params.get("code", "")
        if not typed:
            return page("Enter the code", _entry(""))
        code = world.device_codes.find(typed)
        if code is None:
            return page("Enter the code", _entry(typed, "No sign-in waits for this code. It may have run out."), 404)
        return page("Sign in?", _question(world, code))

    async def answer(request: Request) -> Response:
        if not is_same_origin(request):
            return page("Refused", "<p>This answer came from another site.</p>", 403)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
        code = world.device_codes.find(form.get("code", ""))
        if code is None:
            return page("Enter the code", _entry("", "No sign-in waits for this code. It may have run out."), 404)
        if "answer" not in form:
            return RedirectResponse(f"/device?code={code.user_code}", status_code=303)
        if not secrets.compare_digest(form.get("form_token", "").encode(), code.form_token.encode()):
            return page("Refused", "<p>This answer did not come from the page for this code.</p>", 403)
        approved = form["answer"] == "approve"
        account = world.registry.account_of(form.get("username", ""))
        world.device_codes.answer(code.user_code, approve=approved, account=account)
        outcome = "You are signed in on your device." if approved else "The sign-in was declined."
        return page("Done", f'<p role="status">{outcome} You can close this page.</p>')

    return [Route("/device", show, methods=["GET"]), Route("/device", answer, methods=["POST"])]


def _entry(typed: str, problem: str = "") -> str:
    note = f'<p class="problem" id="problem" role="alert">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="problem" aria-invalid="true"' if problem else ""
    return f"""{note}
<form method="get" action="/device">
<label for="code">Code shown on your device</label>
<input id="code" name="code" value="{escape(typed, quote=True)}" autocomplete="off" autocapitalize="characters"
 spellcheck="false" maxlength="20" required autofocus{described}>
<div class="buttons"><button class="primary">Next</button></div>
</form>"""


def _question(world: World, code: DeviceCode) -> str:
    application = world.registry.application_of(code.client_id) or world.registry.application
    accounts = world.registry.accounts
    options = "".join(
        f'<option value="{escape(each.user.username, quote=True)}">{escape(each.user.name)} '
        f"({escape(each.user.username)})</option>"
        for each in accounts
    )
    (user, *others) = [each.user for each in accounts]
    only = f"<dt>Account</dt><dd>{escape(user.name)}<br><small>{escape(user.username)}</small></dd>"
    choice = f'<label for="username">Account</label>\n<select id="username" name="username">{options}</select>'
    return f"""<p>Approve this only if you started it yourself.</p>
<dl>
<dt>Application</dt><dd>{escape(application.name)}<br><small>{escape(code.client_id)}</small></dd>
{"" if others else only}
<dt>Asks for</dt><dd>{escape(code.scopes)}</dd>
<dt>Code</dt><dd><code>{escape(code.user_code)}</code></dd>
</dl>
<form method="post" action="/device">
{hidden("code", code.user_code)}
{hidden("form_token", code.form_token)}
{choice if others else ""}
<div class="buttons">
<button class="primary" name="answer" value="approve">Approve</button>
<button name="answer" value="decline">Decline</button>
</div>
</form>"""
