"""How much the instance metadata service takes before it throttles."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .clock import EmulatorClock
    from .host_switches import HostSwitches

__all__ = ["AT_ONCE", "PER_SECOND", "ImdsLimits"]

# https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#rate-limiting, the identity category
AT_ONCE = 5
PER_SECOND = 20


class ImdsLimits:
    """Stands before everything, so that a request that is held back counts; marks those that are too many.

    The second is one of the emulator's clock: `advance(1)` empties it. All of it belongs to the event loop.
    """

    def __init__(self, app: ASGIApp, path: str, clock: EmulatorClock, switches: HostSwitches) -> None:
        self._app = app
        self._path = path
        self._clock = clock
        self._switches = switches
        self._at_once = 0
        self._arrived: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        now = self._clock.now()
        while self._arrived and self._arrived[0] <= now - 1:
            self._arrived.popleft()
        too_many = self._at_once >= AT_ONCE or len(self._arrived) >= PER_SECOND
        scope.setdefault("state", {})["throttled"] = too_many and self._switches.imds_limits
        self._at_once += 1
        self._arrived.append(now)
        try:
            await self._app(scope, receive, send)
        finally:
            self._at_once -= 1
