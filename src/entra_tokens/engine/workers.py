"""Threads: one per flight, ended when it lands; and what a fork asks of them.

A pool would let a few hung authorities starve every other identity, and its idle threads make each `os.fork` warn.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["after_fork_in_child", "importing", "start"]


def start(job: Callable[[], object], name: str) -> bool:
    """Run a job on a daemon thread of its own; False where no thread can be had (interpreter exit, limits)."""
    # Thread.start() waits until the thread runs, which then keeps the GIL for its first burst: up to 5 ms of a caller
    # who only wants the token in hand. It stops at this gate instead, and begins when the caller has gone on.
    gate = threading.Lock()
    gate.acquire()

    def run() -> None:
        gate.acquire()
        job()

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError:
        return False
    finally:
        gate.release()
    return True


# A child forked while another thread imports a module finds that module's import lock taken for ever, and OpenSSL's
# locks likewise while a TLS context is made. Heavy first-use imports and that run inside this gate, and a fork waits
# for them: at most the length of an import.
_FORK_WAITS = 10.0
_gate = threading.RLock()
_forking: int | None = None  # the thread that forks, and has the gate
_gate_before_logging = False


@contextmanager
def importing(*, loggers: bool = False) -> Iterator[None]:
    """Hold forks of this process back while modules are imported.

    Args:
        loggers: Whether these make loggers when they are imported.
    """
    with _gate:
        if loggers:
            _stand_before_logging()
        yield


def _stand_before_logging() -> None:
    """Have a fork wait here before it takes the lock of `logging`, which an import in progress may want.

    What was registered last runs first, and `logging` registers itself when it is imported: mostly after us.
    """
    global _gate_before_logging
    if not _gate_before_logging:
        import logging  # noqa: F401 - 12 ms, which whoever makes loggers has to spend anyway

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork)
        _gate_before_logging = True


def _before_fork() -> None:
    global _forking
    me = threading.get_ident()
    if _forking != me and _gate.acquire(timeout=_FORK_WAITS):  # it may stand in line twice
        _forking = me


def _after_fork_in_parent() -> None:
    global _forking
    if _forking == threading.get_ident():
        _forking = None
        _gate.release()


_in_child: list[WeakMethod[Callable[[], None]]] = []


def after_fork_in_child(renew: Callable[[], None]) -> None:
    """Call a bound method in every forked child, for as long as its object lives."""
    _in_child[:] = [*(reference for reference in _in_child if reference() is not None), WeakMethod(renew)]


def _after_fork_in_child() -> None:
    global _gate, _forking
    _gate, _forking = threading.RLock(), None
    for reference in list(_in_child):
        renew = reference()
        if renew is not None:
            renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
