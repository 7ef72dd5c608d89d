"""One acquisition in progress, shared by everyone who needs its outcome."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..acquiring import Acquiring, acquiring
from ..errors import ConfigurationError, EntraTokensError
from ..token import Token
from . import workers
from .clock import Signal
from .foreign import as_our_error, name_of, no_token

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from ..request import TokenRequest
    from .cell import Cell
    from .policy import RefreshPolicy

__all__ = ["Flight"]

OVERDUE = 3.0  # times `wait`: our own credentials end long before


class Flight:
    """An acquisition on a thread of its own.

    It ends when its credential answers, not when a waiter leaves: a cancelled or timed-out waiter leaves alone. Only an
    interactive flight that everybody has left is told to stop, since nobody would read the code.

    Its counters (`waiters`) are guarded by the lock of the cell that it was started for.
    """

    __slots__ = (
        "abandoned", "age", "cell", "deserted", "landed", "may_prompt", "outcome", "policy", "prompted_until",
        "request", "sign_ins", "started_boot", "started_wall", "thread", "waiters",
    )  # fmt: skip

    def __init__(
        self,
        cell: Cell,
        request: TokenRequest,
        policy: RefreshPolicy,
        sign_ins: MutableMapping[tuple[str, ...], Any],
        *,
        may_prompt: bool,
    ) -> None:
        self.cell: Cell = cell
        self.request: TokenRequest = request
        self.policy: RefreshPolicy = policy
        self.sign_ins: MutableMapping[tuple[str, ...], Any] = sign_ins
        self.may_prompt: bool = may_prompt
        self.thread: int = 0  # until it flies
        self.started_wall: float = cell.wall()
        self.started_boot: float = cell.boot()
        self.age: float = 0.0  # of a token that another process had asked for before this flight started
        self.waiters: int = 0
        self.prompted_until: float | None = None
        self.deserted: bool = False
        self.abandoned: Signal = Signal()
        self.landed: Signal = Signal()
        self.outcome: Token | EntraTokensError | None = None

    @property
    def overdue_at(self) -> float:
        """The boot-clock instant from which on it counts as failed: a credential that hangs for ever must not keep its
        key from ever being renewed. One that waits for a person ends itself."""
        if self.prompted_until is not None:
            return float("inf")
        return self.started_boot + OVERDUE * max(self.policy.wait, 1.0)

    @property
    def asked_boot(self) -> float:
        """The boot-clock instant at which its token was asked for, by whichever process."""
        return self.started_boot - self.age

    def board(self) -> None:
        """Be one waiter more.

        Raises:
            ConfigurationError: The waiter is what is waited for.
        """
        if self.thread == threading.get_ident():
            raise ConfigurationError(
                f"{name_of(self.cell.credential)} asks, in its acquire(), the provider that waits for its answer. "
                "Give it a provider for another identity or scope."
            )
        self.waiters += 1

    def start(self, *, inline: bool) -> None:
        """Fly on a new thread. Where none can be started, fly here (`inline`) or land at once as a failure."""
        if workers.start(self._fly, "entra-tokens-flight"):
            return
        if inline:
            self._fly()
        else:
            self._land(EntraTokensError("No thread could be started for a renewal; it is tried again later."))

    def _fly(self) -> None:
        outcome: Token | EntraTokensError | None = None
        self.thread = threading.get_ident()
        try:
            surroundings = Acquiring(
                self.cell.clock,
                may_prompt=self.may_prompt,
                abandoned=self.abandoned,
                on_prompt=self._prompted,
                sign_ins=self.sign_ins,
            )
            with acquiring(surroundings):
                outcome = self._acquire()
            if not isinstance(outcome, Token):
                outcome = no_token(outcome, self.cell.credential)
        except Exception as error:  # whatever a credential raises is this flight's outcome
            outcome = as_our_error(error, self.cell.credential)
        finally:
            # A BaseException (SystemExit in a credential) ends this thread and must still free the waiters.
            if outcome is None:
                outcome = EntraTokensError(f"{name_of(self.cell.credential)} ended the thread that asked for a token.")
            self._land(outcome)

    def _acquire(self) -> Token:
        cell = self.cell
        if cell.store is None:
            return cell.credential.acquire(self.request)
        with workers.importing():
            from ..stores.protocol import Stored
            from .wanted import WantedByFlight
        found = cell.store.through(WantedByFlight(self))
        if not isinstance(found, Stored):
            return found
        self.age = max(0.0, self.started_wall - found.acquired)
        return found.token

    def _land(self, outcome: Token | EntraTokensError) -> None:
        try:
            self.outcome = self.cell.land(self, outcome)
        finally:
            self.landed.set()  # whatever happens, nobody waits for a thread that has ended
        self.cell.listeners.tell()

    def _prompted(self, until: float) -> None:
        self.prompted_until = until

    def waits(self, timeout: float | None, wait: float) -> Iterator[float]:
        """The lengths, in seconds, of a waiter's waits, one after the other, until its patience is over.

        With a time limit of its own that is all; without one it is the `wait` of its policy (not of the policy of
        whoever started the flight), or as long as a person who was prompted has time to answer.
        """
        yield min(max(timeout, 0.0) if timeout is not None else wait, threading.TIMEOUT_MAX)
        while timeout is None and self.prompted_until is not None:
            # The flight ends itself when the code expires; the extra second lets it say so.
            left = self.prompted_until - self.cell.wall() + 1.0
            if left <= 0:
                return
            yield left
