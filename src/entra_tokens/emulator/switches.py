"""What `fail` and `advance` do to the listeners, the board and the clock."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from .aim import Aim
from .faults import AUTHORITY, GROUPS, H2OGPTE, SECURE_HOSTS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

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
        *,
        tenant: str | None = None,
        client_id: str | None = None,
        scope: str | None = None,
    ) -> Fault:
        """See `Emulator.fail`."""
        aim = Aim(tenant, client_id, scope)
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
            aim=None if aim == Aim() else aim,
        )
        self._board.add(made)
        if fault == "refuse":
            self._refuse(made)
        if seconds is not None:
            timer = self._loop.call_later
            self._soon(lambda: timer(seconds, self._board.expire))
        return made

    def drop_connections(self, listener: str) -> None:
        """See `Emulator.drop_connections`."""
        if listener not in self._listeners:
            raise ValueError(f"{listener!r} is no listener: {list(self._listeners)}")
        self._run(self._listeners[listener].drop)

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._board.expire()

    def _refuse(self, fault: Fault) -> None:
        targets = GROUPS.get(fault.target, (fault.target,))
        names = {self._listener_of(target) for target in targets}
        for name in names:
            listener = self._listeners[name]
            self._run(listener.refuse)
            fault.when_healed(partial(self._run, listener.accept))

    @staticmethod
    def _listener_of(target: str) -> str:
        if target in AUTHORITY:
            return "authority"
        if target in SECURE_HOSTS:
            return "secure_hosts"
        return "h2ogpte" if target in H2OGPTE else "managed_identity"

    def _soon(self, callback: Callable[[], Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(callback)

    def _run(self, act: Callable[[], None]) -> None:
        """Do this on the event loop, and return when it is done."""

        async def acted() -> None:
            act()

        try:
            if asyncio.get_running_loop() is self._loop:
                act()
                return
        except RuntimeError:
            pass
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(acted(), self._loop).result(30)  # however busy the machine
