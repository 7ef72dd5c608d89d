"""Faults by switch: which of them a request meets.

A *target* is the name of an endpoint (`token`, `discovery`, `imds`, …) or of a group that holds it (`authority`,
`managed_identity`, `*`). A fault that lasts a number of times is part of a script and goes before the others, in the
order in which it was set; of those that stay, the newest counts.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, get_args

from .refusals import refusal_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from .aim import Aim, Asking
    from .clock import EmulatorClock

__all__ = ["GROUPS", "TARGETS", "Fault", "FaultBoard", "Gate"]

Kind = Literal[
    "refuse",
    "reset",
    "hang",
    "slow_drip",
    "html",
    "bad_json",
    "empty",
    "huge",
    "expired",
    "foreign_endpoint",
    "throttled",
    "close",
]
KINDS = get_args(Kind)
AUTHORITY = ("token", "device", "authorize", "discovery", "instance", "keys")
MANAGED_IDENTITY = (
    "imds",
    "app_service",
    "app_service_2017",
    "arc",
    "service_fabric",
    "cloud_shell",
    "azure_ml",
)
CI = ("github_actions", "azure_pipelines")
TOOLS = ("az", "azd", "pwsh")
SECURE_HOSTS = ("service_fabric", *CI)
H2OGPTE_HTTP = ("h2ogpte_rpc", "h2ogpte_rest", "h2ogpte_stream")
H2OGPTE = (*H2OGPTE_HTTP, "h2ogpte_ws", "h2ogpte_query", "h2ogpte_session")
TARGETS = (*AUTHORITY, *MANAGED_IDENTITY, *CI, *TOOLS, *H2OGPTE)
GROUPS: dict[str, tuple[str, ...]] = {
    "authority": AUTHORITY,
    "managed_identity": MANAGED_IDENTITY,
    "ci": CI,
    "tools": TOOLS,
    "h2ogpte_http": H2OGPTE_HTTP,
    "h2ogpte": (*H2OGPTE_HTTP, "h2ogpte_ws"),
    "*": TARGETS,
}


class Fault:
    """One fault in force; `heal()` ends it, and `with` does so at the end of the block.

    `met` counts the requests that met it. A request that hangs in it goes on when it is healed.
    """

    def __init__(
        self,
        target: str,
        *,
        kind: str | None = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        body: str | bytes | dict[str, Any] | None = None,
        error: str | int | None = None,
        reply: dict[str, Any] | None = None,
        times: int | None = None,
        share: float | None = None,
        until: float | None = None,
        aim: Aim | None = None,
    ) -> None:
        self.target = target
        self.targets: tuple[str, ...] = GROUPS.get(target, (target,))
        self.kind = kind
        self.status = status
        self.headers: dict[str, str] = dict(headers or {})
        self.body = body
        self.error = error
        self.reply = reply
        self.times = times
        self.share = share
        self.until = until
        self.aim = aim
        self.met: int = 0
        self.healed: threading.Event = threading.Event()
        self._carried = 0.0
        self._lock = threading.Lock()
        self._on_heal: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"Fault({self.target!r}, kind={self.kind!r}, status={self.status}, met={self.met})"

    def heal(self) -> None:
        """End it. Idempotent; any thread may."""
        with self._lock:
            self.healed.set()
            callbacks, self._on_heal = self._on_heal, []
        for callback in callbacks:
            callback()

    def when_healed(self, callback: Callable[[], None]) -> None:
        """Call this (on the healing thread) when it ends; at once if it has."""
        with self._lock:
            if not self.healed.is_set():
                self._on_heal.append(callback)
                return
        callback()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.heal()

    def applies(self) -> bool:
        """Whether the request at hand meets it; counts that it did."""
        with self._lock:
            if self.healed.is_set() or (self.times is not None and self.met >= self.times):
                return False
            if self.share is not None:
                # Spread evenly instead of drawn, so that a test's outcome is the same every time.
                self._carried += self.share
                if self._carried < 1 - 1e-9:
                    return False
                self._carried -= 1
            self.met += 1
            return True

    @property
    def name(self) -> str:
        """What it does, in a word or two."""
        return self.kind or (f"error {self.error}" if self.error is not None else f"status {self.status or 200}")

    @property
    def answers(self) -> bool:
        """Whether the endpoint never sees a request that meets it."""
        return self.kind not in ("hang", "expired", "foreign_endpoint") and self.reply is None

    @property
    def is_spent(self) -> bool:
        return self.healed.is_set() or (self.times is not None and self.met >= self.times and self.kind != "hang")


class Gate(Fault):
    """Holds requests back until `release()`; `arrived` is set once `arrivals` of them wait."""

    def __init__(self, target: str, arrivals: int = 1) -> None:
        super().__init__(target, kind="hang")
        self.arrived: threading.Event = threading.Event()
        self._arrivals = arrivals

    def applies(self) -> bool:
        held = super().applies()
        if held and self.met >= self._arrivals:
            self.arrived.set()
        return held

    def release(self) -> None:
        """Let them go on, and hold back no more."""
        self.heal()


class FaultBoard:
    """The faults in force. Any thread may call anything."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def fault(
        self,
        target: str,
        *,
        fault: str | None,
        times: int | None,
        share: float | None,
        seconds: float | None,
        status: int | None,
        error: str | int | None,
        aim: Aim | None = None,
        **rest: Any,
    ) -> Fault:
        """A checked fault, not yet in force.

        Raises:
            ValueError: An unknown target, kind or error, or numbers that mean nothing.
        """
        if target not in TARGETS and target not in GROUPS:
            raise ValueError(f"{target!r} is no target: {[*TARGETS, *GROUPS]}")
        if fault is not None and fault not in KINDS:
            raise ValueError(f"{fault!r} is no fault: {list(KINDS)}")
        if error is not None:
            refusal_for(error)
        if share is not None and not 0 < share <= 1:
            raise ValueError("share is a number above 0 and up to 1")
        if times is not None and times < 1:
            raise ValueError("times is at least 1")
        if fault == "refuse" and (times is not None or share is not None or aim is not None):
            raise ValueError("a refused connection carries no request to count or to know: use seconds, or heal()")
        until = None if seconds is None else self._clock.now() + seconds
        if fault is None and error is None and status is None and not rest.get("reply") and rest.get("body") is None:
            status = 503
        return Fault(
            target, kind=fault, times=times, share=share, until=until, status=status, error=error, aim=aim, **rest
        )

    def met_by(self, target: str, asking: Asking | None = None) -> list[Fault]:
        """What a request for this target meets: every gate, then at most one fault.

        Args:
            asking: What it is about; None: nothing that is aimed is met.
        """
        if not self._faults:
            return []
        self.expire()
        with self._lock:
            here = [
                fault
                for fault in self._faults
                if target in fault.targets and (fault.aim is None or (asking is not None and fault.aim.takes(asking)))
            ]
        met: list[Fault] = [fault for fault in here if isinstance(fault, Gate) and fault.applies()]
        others = [fault for fault in here if not isinstance(fault, Gate) and fault.kind != "refuse"]
        script = [fault for fault in others if fault.times is not None]
        standing = [fault for fault in reversed(others) if fault.times is None]
        met += next(([fault] for fault in [*script, *standing] if fault.applies()), [])
        return met

    def expire(self) -> None:
        """End what has lasted long enough, and forget what is over."""
        now = self._clock.now()
        with self._lock:
            over = [fault for fault in self._faults if fault.until is not None and fault.until <= now]
        for fault in over:
            fault.heal()
        with self._lock:
            self._faults = [fault for fault in self._faults if not fault.is_spent]

    def heal(self, target: str | None = None) -> None:
        """End every fault of this target (named as it was set), or every fault."""
        with self._lock:
            over = [fault for fault in self._faults if target is None or fault.target == target]
        for fault in over:
            fault.heal()
        self.expire()

    @property
    def is_empty(self) -> bool:
        return not self._faults

    def snapshot(self) -> list[Fault]:
        with self._lock:
            return [fault for fault in self._faults if not fault.is_spent]
