"""Fakes to test with: a clock that you move, a credential that does as it is told, an engine of your own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .acquiring import current
from .engine.clock import Clock, Signal, SystemClock
from .engine.engine import Engine, use_engine
from .errors import EntraTokensError
from .token import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .request import TokenRequest

__all__ = ["ManualClock", "ScriptedCredential", "fresh_engine"]

# Any fixed instant does; this one is in the past of every real token, so that a forgotten real clock shows.
SOME_INSTANT = 1_700_000_000.0


class ManualClock:
    """A clock that moves only when told to. Any thread may call anything.

    Args:
        start: Epoch seconds that the wall clock shows first.
        share: What `uniform(low, high)` returns: `low + share * (high - low)`; 0.5 is the middle.
    """

    def __init__(self, start: float = SOME_INSTANT, share: float = 0.5) -> None:
        self._wall, self._boot = start, 0.0
        self.share = share
        self.sleeping: list[float] = []
        self._moved = threading.Condition()
        self._watchers: list[Callable[[], None]] = []

    def wall(self) -> float:
        return self._wall

    def boot(self) -> float:
        return self._boot

    def uniform(self, low: float, high: float) -> float:
        return low + self.share * (high - low)

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._move(seconds, seconds)

    def set_wall(self, seconds: float) -> None:
        """Change the wall clock by some seconds, as an administrator would; the boot clock does not move."""
        self._move(seconds, 0.0)

    def suspend(self, seconds: float) -> None:
        """Let time pass that the wall clock does not show, as a machine that sleeps and wakes with a wrong clock."""
        self._move(0.0, seconds)

    def _move(self, wall: float, boot: float) -> None:
        with self._moved:
            self._wall += wall
            self._boot += boot
            self._moved.notify_all()
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()

    def sleep(self, seconds: float, wake: Signal) -> bool:
        """Sleep until this clock has moved on by that much, or the signal is set."""
        wake.call_when_set(self._nudge)
        with self._moved:
            until = self._boot + seconds
            self.sleeping.append(seconds)
            self._moved.notify_all()
            try:
                self._moved.wait_for(lambda: wake.is_set() or self._boot >= until)
            finally:
                self.sleeping.remove(seconds)
        wake.forget(self._nudge)
        return wake.is_set()

    def wait_for_sleepers(self, count: int = 1, timeout: float = 10.0) -> bool:
        """Wait (in real time) until that many threads sleep on this clock."""
        with self._moved:
            return self._moved.wait_for(lambda: len(self.sleeping) >= count, timeout)

    def _nudge(self) -> None:
        with self._moved:
            self._moved.notify_all()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call this whenever time has moved."""
        self._watchers.append(watcher)


class ScriptedCredential:
    """A credential that answers as it is told, counts what it is asked, and can be held at the gate.

    Args:
        *script: What successive calls do: a Token, an exception to raise, or a callable given the request. When it is
            used up, the last entry counts again; an empty script issues `token-1`, `token-2`, …
        lifetime: Seconds that issued tokens live.
        refresh_in: Seconds after which an issued token says that it wants to be renewed.
        identity: Distinguishes it; by default each object is its own identity.
        interactive: Whether it says that it needs a person.
        tenant_id: Its own tenant.
    """

    def __init__(
        self,
        *script: Token | BaseException | Callable[[TokenRequest], Token],
        lifetime: float = 3600.0,
        refresh_in: float | None = None,
        identity: tuple[str, ...] | None = None,
        interactive: bool = False,
        tenant_id: str | None = None,
    ) -> None:
        self.identity: tuple[str, ...] = identity or ("scripted", str(id(self)))
        self.interactive = interactive
        self.tenant_id = tenant_id
        self.lifetime = lifetime
        self.refresh_in = refresh_in
        self.requests: list[TokenRequest] = []
        self._script = list(script)
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._arrived = threading.Semaphore(0)

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.requests)

    def answer(self, *script: Token | BaseException | Callable[[TokenRequest], Token]) -> None:
        """From here on do this."""
        with self._lock:
            self._script = list(script)

    def hold(self) -> None:
        """Keep every call waiting at the gate until `release()`."""
        self._open.clear()

    def release(self) -> None:
        """Let the calls at the gate, and all later ones, through."""
        self._open.set()

    def wait_for_call(self, timeout: float = 10.0) -> bool:
        """Wait until one more call has arrived than was waited for before."""
        return self._arrived.acquire(timeout=timeout)

    def acquire(self, request: TokenRequest) -> Token:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            entry = (self._script.pop(0) if len(self._script) > 1 else self._script[0]) if self._script else None
        self._arrived.release()
        self._open.wait()
        if entry is None:
            return self.issue(f"token-{number}", request)
        if isinstance(entry, EntraTokensError):
            raise entry.copy()
        if isinstance(entry, BaseException):
            raise entry
        return entry if isinstance(entry, Token) else entry(request)

    def issue(self, value: str, request: TokenRequest) -> Token:
        """A token with the scripted life, from the clock of whoever asks."""
        now = current().clock.wall()
        refresh_on = None if self.refresh_in is None else now + self.refresh_in
        return Token(value, expires_on=now + self.lifetime, refresh_on=refresh_on, scopes=request.scopes)

    def __repr__(self) -> str:
        return f"ScriptedCredential(calls={self.calls})"


@contextmanager
def fresh_engine(clock: Clock | None = None) -> Iterator[Engine]:
    """Give providers made inside the block an engine of their own, with nothing held.

    Args:
        clock: A `ManualClock`, say; None: the machine's.
    """
    engine = Engine(clock or SystemClock())
    watch = getattr(clock, "watch", None)
    if watch is not None:
        watch(engine.keeper.wake)
    replaced = use_engine(engine)
    try:
        yield engine
    finally:
        use_engine(replaced)
