"""What an acquisition in progress may ask about the call that it serves.

A credential is one method with one argument; everything else that it may need from whoever called it (the clock,
whether a person may be prompted, whether anybody still waits) is here, set for the thread that runs `acquire()`.
Used by itself, outside a provider, a credential gets the defaults: the system's clock, prompting allowed.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .engine.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from .engine.clock import Clock, Signal
    from .stores.sign_ins import SignInFiles

__all__ = ["Acquiring", "SignIns", "acquiring", "current"]


class SignIns(dict[tuple[str, ...], Any]):
    """The sign-ins of a process by credential identity, and where they are kept beyond it.

    Args:
        files: Returns what keeps them on disk; None: nothing does.
    """

    def __init__(self, files: Callable[[], SignInFiles] | None = None) -> None:
        super().__init__()
        self._files = files

    @property
    def files(self) -> SignInFiles | None:
        """What keeps them on disk, as the environment says at this moment."""
        return None if self._files is None else self._files()


def _nobody_waits(expires_on: float) -> None:
    """Used by itself, a credential makes nobody wait but its caller."""


class Acquiring:
    """The surroundings of one `acquire()` call.

    Args:
        clock: Where time and randomness come from.
        may_prompt: False in background renewal: raise InteractionRequired instead of prompting.
        abandoned: Set when the last waiter of an interactive flight has left: stop polling.
        on_prompt: Called with the epoch second until which a person has time to answer; waiters then wait that long.
        sign_ins: Where sign-ins are remembered for the process, by credential identity.
        on_wait: Called with the same when it is another flight or process that asks the person.
    """

    __slots__ = ("abandoned", "clock", "may_prompt", "on_prompt", "on_wait", "sign_ins")

    def __init__(
        self,
        clock: Clock = SYSTEM_CLOCK,
        *,
        may_prompt: bool = True,
        abandoned: Signal | None = None,
        on_prompt: Callable[[float], None] | None = None,
        sign_ins: MutableMapping[tuple[str, ...], Any] | None = None,
        on_wait: Callable[[float], None] | None = None,
    ) -> None:
        from .engine.clock import Signal

        self.clock: Clock = clock
        self.may_prompt: bool = may_prompt
        self.abandoned: Signal = abandoned or Signal()
        self.on_prompt: Callable[[float], None] = on_prompt or _nobody_waits
        self.on_wait: Callable[[float], None] = on_wait or _nobody_waits
        self.sign_ins: MutableMapping[tuple[str, ...], Any] = {} if sign_ins is None else sign_ins


_current: ContextVar[Acquiring | None] = ContextVar("entra_tokens_acquiring", default=None)
_BY_ITSELF = Acquiring()


def current() -> Acquiring:
    """The surroundings of the call that runs on this thread."""
    return _current.get() or _BY_ITSELF


@contextmanager
def acquiring(surroundings: Acquiring) -> Iterator[None]:
    """Run a credential in these surroundings."""
    reset = _current.set(surroundings)
    try:
        yield
    finally:
        _current.reset(reset)
