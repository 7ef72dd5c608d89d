"""msal under our engine: it writes the requests, and keeps nothing.

msal's own caches would answer for the authority: it holds a token with under 300 s left for lost, replays a 400 for
60 s, and a flight means that a request is wanted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..engine.workers import importing
from ..record import Record
from .answers import to_token
from .cloud import is_same_origin
from .failures import foreign_origin, refusal, unavailable
from .guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ..request import TokenRequest
    from ..token import Token
    from .http import AuthorityHttp
    from .options import AuthorityOptions
    from .seen import Seen

__all__ = ["MsalApps"]

_MOST_APPS = 64  # tenants times CAE; a service for all comers starts over rather than grow


class MsalApps:
    """The msal applications of one credential: one for each process, tenant and CAE, built at first use.

    Any thread may call. Nothing here pickles; credentials build it again.

    Args:
        options: Where the authority is and how to get there.
        client_id: The application's id.
        tenant_id: Where to ask unless a request says otherwise.
        confidential: Whether the application has a credential of its own.
        who: The credential, for messages.
    """

    def __init__(
        self, options: AuthorityOptions, *, client_id: str, tenant_id: str, confidential: bool, who: str
    ) -> None:
        self._options = options
        self._client_id = client_id
        self._tenant_id = tenant_id
        self._confidential = confidential
        self._who = who
        self._mine: _Process | None = None

    def token(
        self,
        request: TokenRequest,
        call: Callable[[Any], Any],
        *,
        credential: Any = None,
        secrets: tuple[str, ...] = (),
        keep: Callable[[Seen], None] | None = None,
    ) -> Token:
        """Run one msal call and make its answer a token.

        Args:
            request: What is wanted.
            call: Given the msal application, sends exactly one token request.
            credential: msal's `client_credential`.
            secrets: What must not appear in an error.
            keep: Given the whole answer, to keep what else is in it.

        Raises:
            EntraTokensError: The authority refused, or gave no usable answer.
        """

        def attempt() -> Token:
            seen = self._ask(request, call, credential, secrets)
            if keep is not None:
                keep(seen)  # first: a rotated sign-in must not be lost with a token that is no good
            return to_token(seen.body, request.scopes, asked_at=seen.asked_at, who=self._who)

        return guarded(attempt, who=self._who)

    def answer(self, request: TokenRequest, call: Callable[[Any], Any]) -> Seen:
        """Run one msal call and return the answer as it came.

        Raises:
            EntraTokensError: The authority refused, or gave no usable answer.
        """
        return guarded(lambda: self._ask(request, call, None, ()), who=self._who)

    def prepare(self, request: TokenRequest, call: Callable[[Any], Any]) -> Any:
        """Run an msal call that sends nothing itself, and return what it returns.

        Raises:
            EntraTokensError: The authority refused to say where its endpoints are, or gave no usable answer.
        """

        def attempt() -> Any:
            mine = self._here()
            http = mine.http
            with http.session():
                try:
                    return call(self._app(request, mine, None))
                except ValueError:
                    seen = http.seen
                    if seen is None or "error" not in seen.body:
                        raise
            raise refusal(seen.body, who=self._who, status=seen.status, retry_after=seen.retry_after)

        return guarded(attempt, who=self._who)

    def _ask(
        self, request: TokenRequest, call: Callable[[Any], Any], credential: Any, secrets: tuple[str, ...]
    ) -> Seen:
        mine = self._here()
        http = mine.http
        with http.session():
            try:
                call(self._app(request, mine, credential))
            except ValueError:
                # msal's word for a discovery document that it did not like; the authority's own is in `seen`.
                if http.seen is None or "error" not in http.seen.body:
                    raise
            seen = http.seen
        if seen is None:
            raise unavailable(self._who, "msal asked nothing")
        return seen.granted(who=self._who, secrets=secrets)

    def _here(self) -> _Process:
        mine = self._mine
        if mine is None or mine.pid != os.getpid():
            with importing(loggers=True):
                import msal  # noqa: F401 - 100 ms: before the request's time is measured

                from .http import AuthorityHttp
            http = AuthorityHttp.of(self._options, who=self._who)
            mine = self._mine = _Process(os.getpid(), http, {})
        return mine

    def _app(self, request: TokenRequest, mine: _Process, credential: Any) -> Any:
        import msal

        tenant = request.tenant_id or self._tenant_id
        key = (tenant, request.enable_cae)
        held = mine.apps.get(key)
        if held is not None and held[0] == credential:  # a rotated secret needs an application of its own
            return held[1]
        kind = msal.ConfidentialClientApplication if self._confidential else msal.PublicClientApplication
        app = kind(
            self._client_id,
            authority=f"{self._options.authority}/{tenant}",
            client_credential=credential,
            http_client=mine.http,
            token_cache=_no_tokens(),
            http_cache=_NoAnswers(),
            instance_discovery=False,
            client_capabilities=["CP1"] if request.enable_cae else None,
            **({"azure_region": False} if self._confidential else {}),
        )
        for endpoint in (app.authority.token_endpoint, app.authority.device_authorization_endpoint):
            if endpoint is not None and not is_same_origin(endpoint, self._options.authority):
                # Not kept, so that the next try reads the document anew.
                raise foreign_origin(self._who, self._options.authority)
        if len(mine.apps) >= _MOST_APPS:
            mine.apps.clear()
        mine.apps[key] = (credential, app)
        return app


class _Process(Record):
    """What belongs together and to one process: applications speak through the client that they were made with."""

    pid: int
    http: AuthorityHttp
    apps: dict[Hashable, tuple[Any, Any]]

    def __init__(self, pid: int, http: AuthorityHttp, apps: dict[Hashable, tuple[Any, Any]]) -> None:
        self._set(pid=pid, http=http, apps=apps)

    def __repr__(self) -> str:
        return f"<process {self.pid}>"


class _NoAnswers(dict):  # type: ignore[type-arg] # msal wants a dict of whatever it likes
    """An HTTP cache that forgets at once."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __bool__(self) -> bool:
        return True


def _no_tokens() -> Any:
    """A token cache that forgets at once."""
    import msal

    class NoTokens(msal.TokenCache):  # type: ignore[misc] # msal is untyped
        def add(self, event: Any, now: Any = None) -> None:
            pass  # also keeps msal from logging the event, device code included

        def __bool__(self) -> bool:
            return True

    return NoTokens()
