"""An event loop on a daemon thread of its own."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["LoopThread"]

_log = logging.getLogger("entra_tokens.emulator")
_T = TypeVar("_T")


class LoopThread:
    """Runs coroutines for other threads. Daemon: an interpreter that ends does not wait for it."""

    def __init__(self) -> None:
        # Windows' own kind of loop does not tell when somebody connects.
        made = asyncio.SelectorEventLoop if sys.platform == "win32" else asyncio.new_event_loop
        self.loop: asyncio.AbstractEventLoop = made()
        self.loop.set_exception_handler(_quiet)
        self._thread = threading.Thread(target=self._run_it, name="entra-emulator", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T], timeout: float = 30) -> _T:
        """Run this on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def stop(self) -> None:
        if self.loop.is_closed():
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    def _run_it(self) -> None:
        self.loop.run_forever()
        # In this thread: that of whoever says stop may have a loop that runs.
        self.loop.run_until_complete(_wound_up())
        self.loop.close()


async def _wound_up() -> None:
    pending = asyncio.all_tasks() - {asyncio.current_task()}
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    await asyncio.sleep(0)  # a turn for transports to close their sockets


def _quiet(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Clients that leave in a handshake or distrust the certificate are their own business."""
    if not isinstance(context.get("exception"), OSError):  # ssl.SSLError is one
        _log.error("%s", context.get("message"), exc_info=context.get("exception"))
