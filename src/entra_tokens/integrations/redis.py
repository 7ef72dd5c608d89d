"""Credentials for redis-py, whose open connections are authenticated again whenever the token is renewed.

>>> from entra_tokens.integrations.redis import EntraCredentialProvider
>>> client = redis.Redis(host="name.redis.azure.net", port=10000, ssl=True,
...                      credential_provider=EntraCredentialProvider(provider))

Redis closes, or goes on serving with rights that are gone, a connection whose token has run out:
https://learn.microsoft.com/azure/redis/entra-for-authentication
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod, WeakSet, ref

from ..engine import workers
from ..engine.clock import SYSTEM_CLOCK
from ..errors import ConfigurationError, EntraTokensError
from ..token import Token, unverified_claims
from .extras import missing
from .redis_address import is_subscription, refuse_wrong_address
from .rule import face

try:
    from redis.credentials import StreamingCredentialProvider
except ImportError:
    raise missing("redis", "5.3 or newer") from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.status import TokenEvent
    from ..provider import AsyncTokenProvider, TokenProvider
    from .rule import Hosts

__all__ = ["EntraCredentialProvider"]


class EntraCredentialProvider(StreamingCredentialProvider):
    """User name and token for `redis.Redis`, `redis.asyncio.Redis` and their clusters (`credential_provider=`).

    The token is kept fresh for as long as a client refers to this. When it has been renewed, idle connections are
    authenticated again at once, and those in use when they are given back. One object may serve many clients, threads
    and loops; an asynchronous client's connections are authenticated on its own loop, which nothing here blocks.

    A subscription is left alone, because redis-py listens to it without a lock. When the server closes it, redis-py
    connects with the current token and subscribes again.

    A client that would send the token in clear text to another machine is refused when it is made. (A connection pool
    made by hand shows that only when it is given to a client.)

    Args:
        provider: Of either face; its scope is `"https://redis.azure.com/.default"`.
        username: The Redis user; None: the token's `oid`, the object id of who signed in.
        host: Whom to send tokens to, `"name.region.redis.azure.net"` or several; None: whomever clients connect to.

    Raises:
        ConfigurationError: The provider is not ours. By a client: the token has no `oid` and no `username` was given,
            the connection is neither TLS nor to this machine, or it is to another host than those named.
        EntraTokensError: By a client that connects: no token can be had.
    """

    def __init__(
        self, provider: TokenProvider | AsyncTokenProvider, *, username: str | None = None, host: Hosts = None
    ) -> None:
        self._sync = face(provider)
        names = [host] if isinstance(host, str) else host
        self._hosts = None if names is None else frozenset(name.lower() for name in names)
        self._async = self._sync.as_async()
        self._username = username
        self._lock = threading.Lock()
        self._news: list[_Ear] = []
        self._errors: list[_Ear] = []
        workers.after_fork_in_child(self._renew_after_fork)
        _alive.add(self)
        self._sync._keep_fresh_for(self)  # noqa: SLF001 - the provider's own part in this
        self._sync._tell(self)  # noqa: SLF001 - likewise

    def get_credentials(self) -> tuple[str, str]:
        """What redis-py asks for at each connect."""
        return self._pair(self._sync.token())

    async def get_credentials_async(self) -> tuple[str, str]:
        """As `get_credentials`, for redis.asyncio."""
        loop = asyncio.get_running_loop()
        with self._lock:
            for ear in (*self._news, *self._errors):
                ear.settle_on(loop)
        return self._pair(await self._async.token())

    def on_next(self, callback: Callable[[Any], Any]) -> None:
        """What a redis-py client calls when it is made: to be told of each token."""
        refuse_wrong_address(callback, self._hosts)
        # redis-py reads a subscription without a lock: an AUTH beside it would take its messages, or wait for ever for
        # an answer that it took, holding what everybody else needs.
        if not is_subscription(callback):
            self._listen(self._news, callback)

    def on_error(self, callback: Callable[[Exception], Any]) -> None:
        """Likewise: to be told of a renewal that failed, while the old token is still good."""
        self._listen(self._errors, callback)

    def is_streaming(self) -> bool:
        return True

    def on_event(self, event: TokenEvent) -> None:
        """What the engine calls; the connections are no business of the thread that it calls on."""
        if event.kind == "renewed":
            for ear in self._ears(self._news):
                # A thread for each client: one whose server hangs keeps no other from its token.
                workers.start(partial(self._pass_on, ear), "entra-tokens-redis")
        elif event.kind == "renewal_failed" and event.error is not None:
            for ear in self._ears(self._errors):
                ear.hear(event.error)

    def _pass_on(self, ear: _Ear) -> None:
        with ear.passing:  # one after the other, and the current one: never an older token after a newer one
            try:
                token = _Shown(self._sync.token(timeout=0), self._pair)
            except EntraTokensError:
                return  # it has run out again, or the provider is closed: nothing to pass on
            ear.hear(token)

    def _renew_after_fork(self) -> None:
        """In a forked child: a thread that held a lock is not here to release it."""
        self._lock = threading.Lock()
        for ear in self._news:
            ear.passing = threading.Lock()

    def _listen(self, ears: list[_Ear], callback: Callable[[Any], Any]) -> None:
        with self._lock:
            ears[:] = [ear for ear in ears if ear.callback() is not None]
            ears.append(_Ear(callback))

    def _ears(self, ears: list[_Ear]) -> list[_Ear]:
        with self._lock:
            return list(ears)

    def _pair(self, token: Token) -> tuple[str, str]:
        if self._username is not None:
            return self._username, str(token)
        try:
            user = unverified_claims(token).get("oid")
        except ValueError:
            user = None
        if not isinstance(user, str):
            raise ConfigurationError("The token names no object id (oid) to use as Redis user: pass username=.")
        return user, str(token)

    def __repr__(self) -> str:
        return f"EntraCredentialProvider({self._sync!r})"


class _Ear:
    """A callback of a client, which is not kept alive by it, and the loop that an asynchronous one wants to run on."""

    def __init__(self, callback: Callable[[Any], Any]) -> None:
        self.callback: Callable[[], Callable[[Any], Any] | None] = (
            WeakMethod(callback) if inspect.ismethod(callback) else lambda: callback
        )
        self._is_async = inspect.iscoroutinefunction(callback)
        self._loop: Callable[[], asyncio.AbstractEventLoop | None] = lambda: None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.passing = threading.Lock()
        if self._is_async:
            with suppress(RuntimeError):  # a client made outside: the first loop that it connects on
                self._loop = ref(asyncio.get_running_loop())

    def settle_on(self, loop: asyncio.AbstractEventLoop) -> None:
        settled = self._loop()
        if settled is None or settled.is_closed():
            self._loop = ref(loop)

    def hear(self, news: object) -> None:
        callback = self.callback()
        if callback is None:
            return
        try:
            if not self._is_async:
                callback(news)
                return
            loop = self._loop()
            if loop is not None:
                loop.call_soon_threadsafe(self._begin, callback, news)
        except Exception as error:
            _log(error)

    def _begin(self, callback: Callable[[Any], Any], news: object) -> None:
        task = asyncio.ensure_future(callback(news))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log(error)


class _Shown:
    """A token in the shape of redis-py's `TokenInterface`, of which its callbacks read the user and the value."""

    def __init__(self, token: Token, pair: Callable[[Token], tuple[str, str]]) -> None:
        self._user, self._value = pair(token)
        self._expires_on = token.expires_on
        self._received_on = SYSTEM_CLOCK.wall()

    def is_expired(self) -> bool:
        return self.ttl() <= 0

    def ttl(self) -> float:
        return self._expires_on * 1000 - SYSTEM_CLOCK.wall() * 1000

    def try_get(self, key: str) -> str | None:
        return self._user if key == "oid" else None

    def get_value(self) -> str:
        return self._value

    def get_expires_at_ms(self) -> float:
        return self._expires_on * 1000

    def get_received_at_ms(self) -> float:
        return self._received_on * 1000


# A thread that is stopped in the middle of redis-py's re-authentication keeps its pool's lock, and the clients' own
# clean-up at the end of the process would wait for that for ever.
_alive: WeakSet[EntraCredentialProvider] = WeakSet()
_EXIT_WAITS = 1.0  # seconds


def _before_exit() -> None:
    ears = [ear for each in list(_alive) for ear in each._ears(each._news)]  # noqa: SLF001 - of this module
    for ear in ears:
        ear.passing.acquire(timeout=_EXIT_WAITS / len(ears))  # kept, so that nothing begins any more


atexit.register(_before_exit)


def _log(error: BaseException) -> None:
    # Its type alone: the command that failed carries the token.
    logging.getLogger("entra_tokens").warning(
        "A connection to Redis could not be authenticated again (%s). It is closed by the server when its token runs "
        "out; new ones take the current token.",
        type(error).__name__,
    )
