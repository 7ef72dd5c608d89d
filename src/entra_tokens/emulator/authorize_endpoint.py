"""The authorize endpoint: from an application's request to the answer that goes back to its address."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse
from starlette.routing import Route

from .asked_claims import asked_claims
from .authorization_codes import SignIn, is_registered
from .device_page import is_same_origin
from .page_frame import page
from .refusals import Refusal, refusal_for
from .replies import log_refusal
from .scopes import user_scopes
from .sign_in_page import hand_over_page, refusal_page, sign_in_page
from .token_call import checked_client, checked_tenant, needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from .registry import Account
    from .world import World

__all__ = ["SIGN_IN_PATH", "Browsers", "answer_for", "authorize_routes", "checked_sign_in"]

SIGN_IN_PATH = "/signin"
_COOKIE = "EMULATOR_SESSION"
_MODES = ("query", "form_post")


class Browsers:
    """Who is signed in in which browser. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, list[Account]] = {}

    def accounts(self, cookie: str | None) -> list[Account]:
        with self._lock:
            return list(self._sessions.get(cookie or "", []))

    def add(self, cookie: str | None, account: Account) -> str:
        """The session's cookie, the same if there was one."""
        with self._lock:
            cookie = cookie if cookie in self._sessions else secrets.token_urlsafe(24)
            known = self._sessions.setdefault(cookie, [])
            if account not in known:
                known.append(account)
            return cookie

    def forget(self, cookie: str | None = None) -> None:
        """Sign out of one browser, or of every."""
        with self._lock:
            if cookie is None:
                self._sessions.clear()
            else:
                self._sessions.pop(cookie, None)


class ToldRefusal(Exception):
    """A refusal that the application is told, at its address."""

    def __init__(self, refusal: Refusal, sign_in: SignIn) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.sign_in = sign_in


def checked_sign_in(world: World, tenant: str, query: Mapping[str, str], version: int = 2) -> SignIn:
    """The request, if it is good.

    Raises:
        Refusal: Neither tenant, client nor address can be relied on: only the person is told.
        ToldRefusal: Something else is wrong.
    """
    checked_tenant(world, tenant)
    application = checked_client(world, needed(query, "client_id"), tenant)
    address = query.get("redirect_uri") or next(iter(application.redirect_uris), "")
    if not is_registered(application, address):
        details = {"redirect_uri": address, "client_id": application.client_id}
        raise refusal_for(50011, **details, expected=f"redirect_uri: one of {application.redirect_uris}")
    scopes = query.get("scope", "")
    if version == 1:
        scopes = f"{query['resource']}/.default openid offline_access" if query.get("resource") else "openid"
    mode = query.get("response_mode") or "query"
    sign_in = SignIn(
        application,
        tenant,
        address,
        scopes,
        query.get("state"),
        mode if mode in _MODES else "query",
        query.get("nonce"),
        query.get("code_challenge", ""),
        query.get("code_challenge_method") or "plain",
        query.get("login_hint", ""),
        (),
    )
    try:
        if needed(query, "response_type") != "code":
            raise refusal_for(700051, response_type=query["response_type"], expected="response_type=code")
        if mode not in _MODES or sign_in.challenge_method not in ("S256", "plain"):
            raise refusal_for(
                "invalid_request", parameter="response_mode", expected="response_mode=query or form_post; PKCE by S256"
            )
        user_scopes(scopes or needed(query, "scope"))
        acrs = asked_claims(query.get("claims")).acrs
    except Refusal as refusal:
        raise ToldRefusal(refusal, sign_in) from None
    return SignIn(**{**vars(sign_in), "acrs": acrs})


def answer_for(
    world: World, sign_in: SignIn, account: Account | None, refusal: Refusal | None = None
) -> dict[str, str]:
    """The fields that go to the application's address: a code for this account, or why there is none."""
    if account is not None:
        fields = {"code": world.codes.issue(sign_in, account), "session_state": secrets.token_hex(16)}
    else:
        world.codes.forget(sign_in)
        refusal = refusal or refusal_for(65004).named("access_denied")
        body = refusal.body(world.clock.now())
        fields = {name: body[name] for name in ("error", "error_description", "error_uri") if name in body}
        if refusal.code == 65004:
            fields["error_subcode"] = "cancel"
    if sign_in.state is not None:
        fields["state"] = sign_in.state
    return fields


def authorize_routes(world: World) -> list[Route]:
    def told(sign_in: SignIn, fields: dict[str, str]) -> Response:
        if sign_in.response_mode == "form_post":
            return hand_over_page(sign_in.redirect_uri, fields)
        joint = "&" if "?" in sign_in.redirect_uri else "?"
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return RedirectResponse(f"{sign_in.redirect_uri}{joint}{urlencode(fields)}", status_code=302, headers=headers)

    async def authorize(request: Request, version: int) -> Response:
        query = dict(request.query_params)
        if request.method == "POST":
            query.update(parse_qsl((await request.body()).decode("latin-1")))
        try:
            sign_in = checked_sign_in(world, request.path_params["tenant"], query, version)
        except Refusal as refusal:
            log_refusal(request, refusal)
            return refusal_page(refusal)
        except ToldRefusal as wrong:
            log_refusal(request, wrong.refusal)
            return told(wrong.sign_in, answer_for(world, wrong.sign_in, None, wrong.refusal))
        prompt = query.get("prompt", "")
        known = world.browsers.accounts(request.cookies.get(_COOKIE))
        if sign_in.login_hint:
            known = [each for each in known if each.user.username.lower() == sign_in.login_hint.lower()]
        if prompt in ("", "none") and len(known) == 1:
            return told(sign_in, answer_for(world, sign_in, known[0]))
        if prompt == "none":
            return told(sign_in, answer_for(world, sign_in, None, refusal_for(50058)))
        world.codes.wait_for(sign_in)
        return sign_in_page(sign_in, world.registry.accounts)

    async def v2(request: Request) -> Response:
        return await authorize(request, 2)

    async def v1(request: Request) -> Response:
        return await authorize(request, 1)

    async def answer(request: Request) -> Response:
        if not is_same_origin(request):
            return page("Refused", "<p>This answer came from another site.</p>", 403)
        form = dict(parse_qsl((await request.body()).decode("latin-1")))
        sign_in = world.codes.waiting(form.get("sign_in", ""))
        if sign_in is None:
            return page("Too late", "<p>This sign-in was answered already, or never begun.</p>", 404)
        if not secrets.compare_digest(form.get("form_token", "").encode(), sign_in.form_token.encode()):
            return page("Refused", "<p>This answer did not come from the page for this sign-in.</p>", 403)
        if "decline" in form:
            return told(sign_in, answer_for(world, sign_in, None))
        account = world.registry.account_of(form.get("username", ""))
        if account is None:
            return page("Unknown account", "<p>There is no such account here.</p>", 400)
        response = told(sign_in, answer_for(world, sign_in, account))
        cookie = world.browsers.add(request.cookies.get(_COOKIE), account)
        response.set_cookie(_COOKIE, cookie, secure=True, httponly=True, samesite="lax")
        return response

    async def sign_out(request: Request) -> Response:
        if cookie := request.cookies.get(_COOKIE):
            world.browsers.forget(cookie)
        response = page("You signed out", "<p>Close this window if you like.</p>")
        response.delete_cookie(_COOKIE)
        return response

    return [
        Route("/{tenant}/oauth2/v2.0/authorize", v2, methods=["GET", "POST"]),
        Route("/{tenant}/oauth2/authorize", v1, methods=["GET", "POST"]),
        Route(SIGN_IN_PATH, answer, methods=["POST"]),
        Route("/{tenant}/oauth2/v2.0/logout", sign_out, methods=["GET"]),
        Route("/{tenant}/oauth2/logout", sign_out, methods=["GET"]),
    ]
