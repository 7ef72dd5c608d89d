"""What `fail` and `advance` do to the listeners, the board and the clock."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from .faults import AUTHORITY, GROUPS, Fault

if TYPE_CHECKING:
    from .clock import EmulatorClock
    from .faults import FaultBoard
    from .listener import Listener

__all__ = ["Switches"]


class Switches:
    """Any thread may call anything, the event loop's own included."""

    def __init__(
        self,
        clock: EmulatorClock,
        board: FaultBoard,
        loop: asyncio.AbstractEventLoop,
        listeners: dict[str, Listener],
    ) -> None:
        self._clock = clock
        self._board = board
        self._loop = loop
        self._listeners = listeners

    def fail(
        self,
        target: str,
        status: int | None = None,
        times: int | None = None,
        headers: dict[str, str] | None = None,
        body: str | bytes | dict[str, Any] | None = None,
        error: str | int | None = None,
        share: float | None = None,
        seconds: float | None = None,
        fault: str | None = None,
        reply: dict[str, Any] | None = None,
    ) -> Fault:
        """See `Emulator.fail`."""
        made = self._board.fault(
            target,
            fault=fault,
            times=times,
            share=share,
            seconds=seconds,
            status=status,
            headers=headers,
            body=body,
            error=error,
            reply=reply,
        )
        self._board.add(made)
        if fault == "refuse":
            self._refuse(made)
        if seconds is not None:
            timer = self._loop.call_later
            self._soon(lambda: timer(seconds, self._board.expire))
        return made

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._board.expire()

    def _refuse(self, fault: Fault) -> None:
        targets = GROUPS.get(fault.target, (fault.target,))
        names = {self._listener_of(target) for target in targets}
        for name in names:
            listener = self._listeners[name]
            self._run(listener.refuse())
            fault.when_healed(lambda listener=listener: self._run(listener.accept()))  # type: ignore[misc]

    @staticmethod
    def _listener_of(target: str) -> str:
        if target in AUTHORITY:
            return "authority"
        return "h2ogpte" if target == "h2ogpte" else "managed_identity"

    def _soon(self, callback: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(callback)

    def _run(self, work: Any) -> None:
        """Do this on the event loop, and wait for it unless this is the event loop."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if self._loop.is_closed() or not self._loop.is_running():
            work.close()
        elif running is self._loop:
            task = self._loop.create_task(work)
            _kept.add(task)
            task.add_done_callback(_kept.discard)
        else:
            asyncio.run_coroutine_threadsafe(work, self._loop).result(5)


# The loop itself holds its tasks only weakly.
_kept: set[asyncio.Task[Any]] = set()
