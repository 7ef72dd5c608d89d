"""Waiting for a signal on whatever runs the caller: asyncio or trio. (A thread just calls `Signal.wait`.)

No lock object is shared by two loops: each waiter parks on a future or event of its own loop, and is woken through
that loop's thread-safe door. So a thousand waiting tasks hold no thread.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Signal

__all__ = ["wait_in_loop"]


async def wait_in_loop(signal: Signal, seconds: float) -> bool:
    """Wait on the running loop until the signal is set; False when the seconds are over first."""
    if signal.is_set():
        return True
    if _in_trio():
        return await _wait_in_trio(signal, seconds)
    return await _wait_in_asyncio(signal, seconds)


def _in_trio() -> bool:
    # It may be there in part only: another thread (a flight, through httpx) is about to import it, and nothing runs it.
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)
    try:
        return bool(lowlevel is not None and lowlevel.in_trio_run() and lowlevel.in_trio_task())
    except AttributeError:
        return False


async def _wait_in_asyncio(signal: Signal, seconds: float) -> bool:
    import asyncio

    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    with _subscribed(signal, lambda: _knock(loop.call_soon_threadsafe, wake)):
        timer = loop.call_later(seconds, wake)
        try:
            await woken
        finally:
            timer.cancel()
    return signal.is_set()


async def _wait_in_trio(signal: Signal, seconds: float) -> bool:
    import trio

    woken = trio.Event()
    token = trio.lowlevel.current_trio_token()
    with _subscribed(signal, lambda: _knock(token.run_sync_soon, woken.set)), trio.move_on_after(seconds):
        await woken.wait()
    return signal.is_set()


def _knock(door: Callable[[Callable[[], None]], object], wake: Callable[[], None]) -> None:
    """Wake a waiter of another thread's loop; a loop that was closed meanwhile has no waiter left to wake."""
    try:
        door(wake)
    except RuntimeError:  # asyncio: loop closed; trio.RunFinishedError is one too
        return


class _subscribed:  # noqa: N801 - reads as a phrase where it is used
    def __init__(self, signal: Signal, callback: Callable[[], None]) -> None:
        self._signal, self._callback = signal, callback

    def __enter__(self) -> None:
        self._signal.call_when_set(self._callback)

    def __exit__(self, *_: object) -> None:
        self._signal.forget(self._callback)
