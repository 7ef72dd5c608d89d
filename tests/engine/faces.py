"""One driver for both faces of a provider and both event loops, so that each behaviour is stated once and run thrice.

face.provider(credential)          a provider of that face
face.run(provider.token)           call a waiting method and return what it gives
face.start(provider.token)         the same beside the test; `.result()`, `.cancel()`
face.many(100, provider.token)     a hundred at once; tokens and errors, as they come
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import trio

from entra_tokens import AsyncTokenProvider, TokenProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.engine.flight import Flight

__all__ = ["FACES", "SCOPE", "Call", "Face", "flight_of", "landed", "until", "waiting"]

SCOPE = "api://app/.default"
PATIENCE = 40.0  # seconds; a test that needs them has failed


def until(true: Callable[[], object], what: str = "the condition") -> None:
    """Wait, in real time and not for long, until something that another thread does is so."""
    tick = threading.Event()
    for _ in range(int(PATIENCE / 0.002)):
        if true():
            return
        tick.wait(0.002)
    raise AssertionError(f"{what} did not come about")


def flight_of(provider: TokenProvider | AsyncTokenProvider, claims: str | None = None) -> Flight | None:
    """The flight in progress for a provider's default scope."""
    return provider._cell._flights.get(claims)


def waiting(provider: TokenProvider | AsyncTokenProvider, count: int, claims: str | None = None) -> None:
    """Wait until that many callers wait for the flight in progress."""

    def so() -> bool:
        flight = flight_of(provider, claims)
        return flight is not None and flight.waiters == count

    until(so, f"{count} waiters")


class Call:
    """A call that runs beside the test, on a thread of its own."""

    def __init__(self, job: Callable[[Call], Any]) -> None:
        self.cancel: Callable[[], None] = lambda: None  # the loops put theirs here
        self.cancelled = False
        self._outcome: Future[Any] = Future()
        self._started = threading.Event()

        def run() -> None:
            try:
                self._outcome.set_result(job(self))
            except BaseException as error:
                self._outcome.set_exception(error)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def result(self) -> Any:
        """What it returned; raises what it raised."""
        try:
            return self._outcome.result(PATIENCE)
        finally:
            self.thread.join(PATIENCE)

    def error(self) -> BaseException | None:
        try:
            return self._outcome.exception(PATIENCE)
        finally:
            self.thread.join(PATIENCE)

    @property
    def over(self) -> bool:
        return self._outcome.done()


class Face:
    """The synchronous face, on threads."""

    name = "sync"
    asynchronous = False

    def provider(self, credential: object, scope: Any = SCOPE, **options: Any) -> Any:
        return TokenProvider(credential, scope, **options)  # type: ignore[arg-type]

    def of(self, provider: Any) -> Any:
        """This face of a provider."""
        return provider.as_sync()

    def run(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return method(*args, **options)

    def start(self, method: Callable[..., Any], *args: Any, **options: Any) -> Call:
        return Call(lambda _: method(*args, **options))

    def many(self, count: int, method: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        gate = threading.Barrier(count)

        def one(_: Call) -> Any:
            gate.wait(PATIENCE)
            return method(*args, **options)

        calls = [Call(one) for _ in range(count)]
        return [call.error() or call.result() for call in calls]


class AsyncioFace(Face):
    """The asynchronous face on asyncio; every call is a loop of its own."""

    name = "asyncio"
    asynchronous = True

    def provider(self, credential: object, scope: Any = SCOPE, **options: Any) -> Any:
        return AsyncTokenProvider(credential, scope, **options)  # type: ignore[arg-type]

    def of(self, provider: Any) -> Any:
        return provider.as_async()

    def run(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        async def main() -> Any:
            return await method(*args, **options)

        return asyncio.run(main())

    def start(self, method: Callable[..., Any], *args: Any, **options: Any) -> Call:
        ready = threading.Event()

        def job(call: Call) -> Any:
            async def main() -> Any:
                task, loop = asyncio.current_task(), asyncio.get_running_loop()
                assert task is not None
                call.cancel = lambda: (loop.call_soon_threadsafe(task.cancel), None)[1]
                ready.set()
                return await method(*args, **options)

            try:
                return asyncio.run(main())
            except asyncio.CancelledError:
                call.cancelled = True
                return None

        call = Call(job)
        assert ready.wait(PATIENCE)
        return call

    def many(self, count: int, method: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        async def main() -> list[Any]:
            return await asyncio.gather(*[method(*args, **options) for _ in range(count)], return_exceptions=True)

        return asyncio.run(main())


class TrioFace(AsyncioFace):
    """The asynchronous face on trio."""

    name = "trio"

    def run(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        async def main() -> Any:
            return await method(*args, **options)

        return trio.run(main)

    def start(self, method: Callable[..., Any], *args: Any, **options: Any) -> Call:
        ready = threading.Event()

        def job(call: Call) -> Any:
            async def main() -> Any:
                result = None
                with trio.CancelScope() as scope:
                    door = trio.lowlevel.current_trio_token()
                    call.cancel = lambda: door.run_sync_soon(scope.cancel)
                    ready.set()
                    result = await method(*args, **options)
                call.cancelled = scope.cancelled_caught
                return result

            return trio.run(main)

        call = Call(job)
        assert ready.wait(PATIENCE)
        return call

    def many(self, count: int, method: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        outcomes: list[Any] = []

        async def one() -> None:
            try:
                outcomes.append(await method(*args, **options))
            except Exception as error:
                outcomes.append(error)

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                for _ in range(count):
                    nursery.start_soon(one)

        trio.run(main)
        return outcomes


FACES = [Face(), AsyncioFace(), TrioFace()]


def landed(provider: TokenProvider | AsyncTokenProvider, claims: str | None = None) -> None:
    """Wait until no flight is in progress."""
    until(lambda: flight_of(provider, claims) is None, "the landing")
