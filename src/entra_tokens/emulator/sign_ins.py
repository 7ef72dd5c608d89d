"""Signs in without a browser: what a person on the page would do, and what the browser would do then."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from .authorize_endpoint import ToldRefusal, answer_for, checked_sign_in
from .refusals import Refusal

if TYPE_CHECKING:
    from .authorization_codes import SignIn
    from .registry import Account
    from .world import World

__all__ = ["SignIns"]

_log = logging.getLogger("entra_tokens.emulator")
_TIMEOUT = 10  # seconds


class SignIns:
    """Any thread may call anything."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        """Only this machine is reached, and that needs no proxy. Made when it is used: it reads the system's CAs, which
        was four fifths of an emulator's start."""
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answered(self, url: str, account: Account, *, decline: bool) -> tuple[SignIn, dict[str, str]]:
        """The request of this address, and the answer to it.

        Raises:
            ValueError: It is not good.
        """
        parts = urlsplit(url)
        tenant, *rest = parts.path.removeprefix("/").split("/")
        if rest not in (["oauth2", "v2.0", "authorize"], ["oauth2", "authorize"]):
            raise ValueError(f"no authorize endpoint: {parts.path}")
        version = 2 if "v2.0" in rest else 1
        try:
            sign_in = checked_sign_in(self._world, tenant, dict(parse_qsl(parts.query)), version)
        except Refusal as refusal:
            raise ValueError(refusal.text) from None
        except ToldRefusal as wrong:
            return wrong.sign_in, answer_for(self._world, wrong.sign_in, None, wrong.refusal)
        return sign_in, answer_for(self._world, sign_in, None if decline else account)

    def deliver(self, url: str, account: Account, *, decline: bool) -> None:
        """Answer, and send the answer to the redirect URI from a thread."""
        sign_in, fields = self.answered(url, account, decline=decline)
        threading.Thread(target=self._deliver, args=[sign_in, fields], daemon=True).start()

    def _deliver(self, sign_in: SignIn, fields: dict[str, str]) -> None:
        address, encoded = sign_in.redirect_uri, urlencode(fields)
        if sign_in.response_mode == "form_post":
            request = urllib.request.Request(address, encoded.encode(), method="POST")  # noqa: S310 - as registered
        else:
            request = urllib.request.Request(f"{address}{'&' if '?' in address else '?'}{encoded}")  # noqa: S310
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                response.read()
        except (OSError, ValueError) as error:
            _log.warning("nobody took the answer of a sign-in at %s: %s", address, error)
