"""A token that is read afresh each time it is formatted, for `azure_token=`.

The clients keep what they are given and write `f"Bearer-AD {azure_token}"` for every request and socket: an object
whose text is the current token makes them follow its renewals, under the one scheme that `token_provider=` cannot give.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn, cast

from ..errors import ConfigurationError, TokenTimeout
from ..handle import never_sent
from .faces import ours

if TYPE_CHECKING:
    from ..provider import AsyncTokenProvider, TokenProvider
    from ..token import Token

__all__ = ["LiveToken", "live_azure_token", "live_azure_token_async"]


def live_azure_token(provider: TokenProvider | AsyncTokenProvider) -> str:
    """Return what to give `H2OGPTE` and `H2OGPTEAsync` as `azure_token=`, so that they never go on with an old token.

    Acquires before it returns, and keeps the token fresh for as long as the result is referenced. May be used from
    many threads and loops. Should the token run out all the same, reading it waits as `token()` does; in an event loop,
    where nobody may wait, it raises.

    Not for `SharedH2OGPTEClient`, which reads it once: that takes `provider.azure_token()`.

    Args:
        provider: Of either face.

    Returns:
        Typed as `str`, because that is what the clients' signatures want; in fact an object that can only be formatted
        (`f"{live}"`, `str(live)`): to put it together with `+` is a TypeError, not a token that stands still.

    Raises:
        EntraTokensError: As `token()`.
        ConfigurationError: Called in an event loop while no token is held: use `await live_azure_token_async(...)`.
    """
    sync = ours(provider)
    if not loop_runs():
        sync.token()
    elif not _holds(sync):
        raise ConfigurationError(
            "live_azure_token() was called in a running event loop before there was a token, and would block it. Use "
            "`await live_azure_token_async(provider)`, or await a token() first."
        )
    return cast("str", LiveToken(sync))


async def live_azure_token_async(provider: TokenProvider | AsyncTokenProvider) -> str:
    """As `live_azure_token`, without blocking the event loop."""
    sync = ours(provider)
    await sync.as_async().token()
    return cast("str", LiveToken(sync))


never_sent(live_azure_token_async)


class LiveToken:
    """The current token of a provider, as text. Its `repr` hides it, copies are itself, and it does not pickle.

    Args:
        provider: Whose.
        always_waits: Whether reading it may block even where an event loop runs on the thread: for a client that blocks
            by its nature, in a notebook.
    """

    __slots__ = ("__weakref__", "_always_waits", "_provider")

    def __init__(self, provider: TokenProvider, *, always_waits: bool = False) -> None:
        self._provider = provider
        self._always_waits = always_waits
        provider._keep_fresh_for(self)  # noqa: SLF001 - the other half of us

    def __str__(self) -> str:
        return self._read()

    def __format__(self, spec: str) -> str:
        return format(self._read(), spec)

    def _read(self) -> Token:
        provider = self._provider
        if self._always_waits or not loop_runs():
            return provider.token()
        if _holds(provider) or not provider._is_interactive:  # noqa: SLF001 - the other half of us
            try:
                return provider.token(timeout=0)
            except TokenTimeout:
                pass
        # For a credential that needs a person, `token()` would prompt here and leave at once.
        raise TokenTimeout(
            "The token has run out, and nobody may wait for a renewal inside an event loop. Await "
            "`provider.as_async().token()`, then call again."
        )

    def __add__(self, other: object) -> NoReturn:
        raise TypeError(
            "A live token cannot be put together with +: the result would be a str that is never renewed. Give it to "
            "azure_token= as it is, or format it where it is sent: f'Bearer-AD {live}'."
        )

    __radd__ = __add__

    def __repr__(self) -> str:
        return f"<live token of {self._provider!r}>"

    def __copy__(self) -> LiveToken:
        return self

    def __deepcopy__(self, memo: object) -> LiveToken:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "A live token does not pickle. Send the provider, and call live_azure_token(provider) on the other side."
        )


def loop_runs() -> bool:
    """Whether an event loop, asyncio's or trio's, runs on this thread."""
    # A loop whose module nobody has imported does not run.
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return True
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _holds(provider: TokenProvider) -> bool:
    return provider.status().state in {"fresh", "stale"}
