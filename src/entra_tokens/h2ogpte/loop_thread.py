"""An asyncio loop on a daemon thread of its own, started when it is first needed."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from ..engine import workers
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")

__all__ = ["LoopThread"]

_GOODBYES = 5.0  # seconds; nobody waits for them, unless the process goes on


class LoopThread:
    """Runs coroutines for other threads. A daemon, so that it keeps no interpreter alive; a forked child starts anew.

    Args:
        name: The thread's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._left_behind: list[Any] = []
        workers.after_fork_in_child(self._renew_after_fork)

    @property
    def running(self) -> bool:
        return self._loop is not None

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine there; cancelling its future cancels it.

        Raises:
            ConfigurationError: No thread can be started: the interpreter is ending.
        """
        with self._lock:
            if self._loop is None:
                self._loop = self._start(coroutine)
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, what: Callable[[], object]) -> None:
        """Call something there, if the loop runs."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(what)

    def stop(self) -> None:
        """End the loop; what runs on it is cancelled. Does not wait."""
        with self._lock:
            loop, self._loop = self._loop, None
            if loop is not None:
                loop.call_soon_threadsafe(loop.stop)

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        if not workers.start(lambda: _run(loop), self._name):
            coroutine.close()
            loop.close()
            raise ConfigurationError("No thread can be started for the chat sockets: the interpreter is ending.")
        return loop

    def _renew_after_fork(self) -> None:
        # The parent's thread is not here, and its sockets are the parent's: they are kept and left alone.
        self._lock = threading.Lock()
        self._left_behind.append(self._loop)
        self._loop = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        # Whoever is called off may leave a task that says goodbye to the server first: those are waited for as well.
        give_up = loop.time() + _GOODBYES
        while (tasks := asyncio.all_tasks(loop)) and (left := give_up - loop.time()) > 0:
            loop.run_until_complete(asyncio.wait(tasks, timeout=left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
