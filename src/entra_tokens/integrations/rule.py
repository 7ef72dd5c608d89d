"""Which request is given a token, and which is sent once more: one rule for every adapter.

A token goes by https only (http to this machine), and only to the hosts that were named; where none was, to the one
that the adapter is first used with. Whatever goes elsewhere goes without a token: a redirect to another host, a link
that carries its own signature.

A 401 refuses exactly the token that the request carried. The provider renews it, once however many requests were
refused, and the request is sent once more if that brought another token. A claims challenge in the answer
(https://learn.microsoft.com/entra/identity-platform/claims-challenge) is taken to the authority instead. A second 401
is the caller's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..challenge import claims_from_challenge
from ..errors import ConfigurationError
from ..origin import origin, origin_named
from ..provider import AsyncTokenProvider, TokenProvider

if TYPE_CHECKING:
    from typing import TypeAlias

    from ..origin import Origin

    Hosts: TypeAlias = "str | Iterable[str] | None"

__all__ = ["SAFE_METHODS", "Rule", "face"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 §9.2.1: to do them twice does no harm
_UNAUTHORIZED = 401


def face(provider: TokenProvider | AsyncTokenProvider) -> TokenProvider:
    """The synchronous face of a provider of ours.

    Raises:
        ConfigurationError: It is not ours.
    """
    if isinstance(provider, (TokenProvider, AsyncTokenProvider)):
        return provider.as_sync()
    raise ConfigurationError(
        f"A {type(provider).__name__} is not a TokenProvider of entra_tokens. Wrap a credential first: "
        "TokenProvider(credential, scope)."
    )


class Rule:
    """The rule for one adapter object. Any thread and any loop may call anything.

    Args:
        provider: Of either face.
        host: Whom to send tokens to: `"api.example.com"`, `"https://api.example.com:8443"`, or several. None: whomever
            the first request goes to.

    Raises:
        ConfigurationError: The provider is not ours, or a host cannot be right.
    """

    def __init__(self, provider: TokenProvider | AsyncTokenProvider, host: Hosts = None) -> None:
        self._sync = face(provider)
        self._async = self._sync.as_async()
        self._lock = threading.Lock()
        self._hosts: frozenset[Origin] | None = None
        self._told = False
        if host is not None:
            names = [host] if isinstance(host, str) or not isinstance(host, Iterable) else host
            self._hosts = frozenset(map(origin_named, names))
            if not self._hosts:
                raise ConfigurationError("host names nobody. Name one, or leave it out.")

    def admits(self, scheme: str, host: str | None, port: int | None) -> bool:
        """Whether a request to this address is given a token.

        Raises:
            ConfigurationError: It would be, but it goes by http to another machine.
        """
        target = origin(scheme, host, port)
        hosts = self._hosts
        if hosts is None:
            self._refuse_plain(target)
            with self._lock:
                if self._hosts is None:
                    self._hosts = frozenset({target})
                hosts = self._hosts
        if target in hosts:
            return True
        if any(target.host == each.host for each in hosts):
            self._refuse_plain(target)
        self._tell(target, hosts)
        return False

    def token(self) -> str:
        """The token to send; waits as `TokenProvider.token`."""
        return self._sync.token()

    async def token_async(self) -> str:
        """The token to send; waits without blocking the loop."""
        return await self._async.token()

    def again(self, sent: str, status: int, challenge: str) -> str | None:
        """What to send a refused request with once more; None: not at all.

        Args:
            sent: The token that it carried.
            status: HTTP status of the answer.
            challenge: Its `WWW-Authenticate`, several joined by commas.

        Raises:
            EntraTokensError: What the challenge asks for cannot be had, or no token is good any more.
        """
        if status != _UNAUTHORIZED:
            return None
        claims = claims_from_challenge(challenge)
        if claims is not None:
            return _other(self._sync.get_token(claims=claims).token, sent)
        self._sync.invalidate(sent)
        return _other(self._sync.token(), sent)

    async def again_async(self, sent: str, status: int, challenge: str) -> str | None:
        """As `again`, without blocking the loop."""
        if status != _UNAUTHORIZED:
            return None
        claims = claims_from_challenge(challenge)
        if claims is not None:
            return _other((await self._async.get_token(claims=claims)).token, sent)
        self._async.invalidate(sent)
        return _other(await self._async.token(), sent)

    @staticmethod
    def _refuse_plain(target: Origin) -> None:
        if not target.is_safe:
            raise ConfigurationError(
                f"No token is sent to {target}: it must be https, because anybody in between could read and use it "
                "(http is for localhost only)."
            )

    def _tell(self, target: Origin, hosts: frozenset[Origin]) -> None:
        if not self._told:
            self._told = True
            logging.getLogger("entra_tokens").info(
                "A request to %s goes without a token: tokens of this adapter go to %s. If that host should be given "
                "one, name it: host=.",
                target,
                ", ".join(sorted(map(str, hosts))),
            )

    def __repr__(self) -> str:
        where = "whoever is first" if self._hosts is None else ", ".join(sorted(map(str, self._hosts)))
        return f"{self._sync!r} for {where}"


def _other(fresh: str, sent: str) -> str | None:
    return None if fresh == sent else fresh
