"""Runs checks at once, each on a thread of its own, and waits so long and no longer."""

from __future__ import annotations

import threading
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from ...engine.clock import SYSTEM_CLOCK
from ..exits import UNAVAILABLE
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Check", "examine"]


class Check(NamedTuple):
    """One look.

    Args:
        group: The heading that it belongs under.
        name: What is looked at.
        run: Looks; may take its time, and may raise.
        timed: Whether its findings tell how long it took.
    """

    group: str
    name: str
    run: Callable[[], Sequence[Finding]]
    timed: bool = False


def examine(checks: Sequence[Check], seconds: float) -> dict[Check, list[Finding]]:
    """Run all of them, and return their findings in the same order.

    Args:
        checks: What to look at.
        seconds: For all of them together. What has not come back by then is a finding, too: nothing is waited for.
    """
    until = SYSTEM_CLOCK.boot() + seconds
    came: SimpleQueue[tuple[Check, list[Finding]]] = SimpleQueue()
    for check in checks:
        # Daemons: one that hangs for ever does not keep the process.
        threading.Thread(target=lambda one=check: came.put((one, _found(one))), name=check.name, daemon=True).start()
    found: dict[Check, list[Finding]] = {}
    while len(found) < len(checks):
        try:
            check, findings = came.get(timeout=max(until - SYSTEM_CLOCK.boot(), 0.001))
        except Empty:
            break
        found[check] = findings
    late = f"no answer within {seconds:g} seconds"
    return {
        check: found.get(check) or [Finding(check.name, "fail", late, seconds=seconds, status=UNAVAILABLE)]
        if check not in found
        else found[check]
        for check in checks
    }


def _found(check: Check) -> list[Finding]:
    started = SYSTEM_CLOCK.boot()
    try:
        findings = list(check.run())
    except Exception as error:  # one look's trouble is not the next one's
        findings = [Finding(check.name, "fail", f"the check itself failed ({type(error).__name__})", status=1)]
    took = SYSTEM_CLOCK.boot() - started
    return [replace(each, seconds=took) for each in findings] if check.timed else findings
