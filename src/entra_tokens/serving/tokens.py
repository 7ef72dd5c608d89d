"""One credential's tokens for whatever resource is asked for, within what the endpoint may give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachetools import LRUCache

from ..authority.redact import redact
from ..errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    EntraTokensError,
    InteractionRequired,
    TokenTimeout,
)
from ..request import DEFAULT_SUFFIX, checked_scopes
from .head import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..provider import AsyncTokenProvider, TokenProvider
    from ..token import Token

__all__ = ["Tokens"]

_MOST = 32  # resources that are kept fresh at once; a client has a handful
_LONGEST = 1500  # characters of an error's text


class Tokens:
    """Used by one event loop.

    Args:
        provider: Makes the provider for one scope; called once for each while that is in use.
        scopes: What may be asked for; none: anything.
    """

    def __init__(self, provider: Callable[[str], TokenProvider], scopes: Iterable[str] = ()) -> None:
        self._provider = provider
        self.scopes: tuple[str, ...] = tuple(scopes)
        self._allowed = {_plain(scope) for scope in self.scopes}
        self._held: LRUCache[str, AsyncTokenProvider] = LRUCache(_MOST)

    async def token(self, resource: str) -> Token:
        """The token for this resource; it waits for one that is on its way.

        Raises:
            Refused: It may not be given, or there is none.
        """
        scope = resource if resource.endswith(DEFAULT_SUFFIX) else resource + DEFAULT_SUFFIX
        if self._allowed and _plain(scope) not in self._allowed:
            raise Refused(
                400,
                f"This endpoint gives tokens for {', '.join(self.scopes)} only. Start it with --scope for what you "
                "need.",
                noted=f"it asked for another resource than {', '.join(self.scopes)}",
            )
        try:
            checked_scopes((scope,))
        except ConfigurationError:
            raise Refused(400, "The query parameter resource holds something that is no resource.") from None
        try:
            return await self._for(scope).token()
        except EntraTokensError as error:
            raise _as_refusal(error) from None

    def _for(self, scope: str) -> AsyncTokenProvider:
        held = self._held.get(scope)
        if held is None:
            held = self._held[scope] = self._provider(scope).as_async()
        return held


def _plain(scope: str) -> str:
    """Resources with and without a slash at the end are one application's."""
    return scope.removesuffix(DEFAULT_SUFFIX).rstrip("/")


def _as_refusal(error: EntraTokensError) -> Refused:
    """What the platform answers in such a case: clients try again after a 503, and give up or go on after a 400."""
    # The authority's words may be in it, and go to somebody's terminal.
    text = "".join(letter if letter.isprintable() else "?" for letter in redact(error.message)[:_LONGEST])
    if isinstance(error, InteractionRequired):
        text += " Where this endpoint runs, type: entra-tokens login"
    if isinstance(error, (AuthorityUnavailable, TokenTimeout)):
        return Refused(503, text, code="temporarily_unavailable", noted=text)
    code = error.error if isinstance(error, AuthenticationFailed) else None
    return Refused(400, text, code=code or "invalid_request", noted=text)
