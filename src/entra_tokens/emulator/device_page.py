"""The page on which a person answers a device code. Served by itself: no script, no outside asset."""

from __future__ import annotations

import secrets
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .device_codes import DeviceCode
    from .world import World

__all__ = ["device_routes", "is_same_origin"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


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
            return _page("Enter the code", _entry(""))
        code = world.device_codes.find(typed)
        if code is None:
            return _page("Enter the code", _entry(typed, "No sign-in waits for this code. It may have run out."), 404)
        return _page("Sign in?", _question(world, code))

    async def answer(request: Request) -> Response:
        if not is_same_origin(request):
            return _page("Refused", "<p>This answer came from another site.</p>", 403)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
        code = world.device_codes.find(form.get("code", ""))
        if code is None:
            return _page("Enter the code", _entry("", "No sign-in waits for this code. It may have run out."), 404)
        if "answer" not in form:
            return RedirectResponse(f"/device?code={code.user_code}", status_code=303)
        if not secrets.compare_digest(form.get("form_token", "").encode(), code.form_token.encode()):
            return _page("Refused", "<p>This answer did not come from the page for this code.</p>", 403)
        approved = form["answer"] == "approve"
        world.device_codes.answer(code.user_code, approve=approved)
        outcome = "You are signed in on your device." if approved else "The sign-in was declined."
        return _page("Done", f'<p role="status">{outcome} You can close this page.</p>')

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
    user = world.directory.user
    return f"""<p>Approve this only if you started it yourself.</p>
<dl>
<dt>Application</dt><dd>{escape(world.directory.application)}<br><small>{escape(code.client_id)}</small></dd>
<dt>Account</dt><dd>{escape(user.name)}<br><small>{escape(user.username)}</small></dd>
<dt>Asks for</dt><dd>{escape(code.scopes)}</dd>
<dt>Code</dt><dd><code>{escape(code.user_code)}</code></dd>
</dl>
<form method="post" action="/device">
<input type="hidden" name="code" value="{escape(code.user_code, quote=True)}">
<input type="hidden" name="form_token" value="{escape(code.form_token, quote=True)}">
<div class="buttons">
<button class="primary" name="answer" value="approve">Approve</button>
<button name="answer" value="decline">Decline</button>
</div>
</form>"""


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    frame = (files(__package__) / "pages" / "frame.html").read_text(encoding="utf-8")
    page = frame.replace("{{title}}", escape(title)).replace("{{content}}", content)
    return HTMLResponse(page, status_code=status, headers=_HEADERS)
