"""What failed attempts mean for later ones: when the next may be made, and what answers meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..errors import AuthorityUnavailable, EntraTokensError, InteractionRequired
from .policy import quiet_time, retry_delay

if TYPE_CHECKING:
    from .clock import Clock
    from .policy import RefreshPolicy

__all__ = ["Backoff"]

NEVER = float("-inf")


class Failure(NamedTuple):
    """A failed attempt, and the boot-clock instant until which it answers callers who hold nothing."""

    error: EntraTokensError
    until: float
    may_prompt: bool

    def answers(self, boot: float, interactive: bool) -> bool:
        if boot >= self.until:
            return False
        # A background attempt that failed for want of a person says nothing to a caller who may prompt.
        return not (interactive and not self.may_prompt and isinstance(self.error, InteractionRequired))

    def error_of_ones_own(self, boot: float) -> EntraTokensError:
        error = self.error.copy()
        if isinstance(error, AuthorityUnavailable) and error.retry_after is not None:
            error.retry_after = self.until - boot
        return error


class Backoff:
    """The failures of one cell. Not thread-safe: the cell's lock guards it."""

    __slots__ = ("_in_row", "_quiet", "_remembered", "failures", "last_error", "next_try")

    def __init__(self) -> None:
        self.failures: int = 0
        self.last_error: EntraTokensError | None = None
        self.next_try: float = NEVER
        self._in_row = 0
        self._quiet: Failure | None = None
        self._remembered: dict[str | None, Failure] = {}

    def success(self) -> None:
        """An attempt succeeded: nothing stands in the way of the next."""
        self.last_error = None
        self.next_try = NEVER
        self._in_row = 0
        self._quiet = None
        self._remembered.clear()

    def failure(
        self,
        claims: str | None,
        error: EntraTokensError,
        *,
        policy: RefreshPolicy,
        clock: Clock,
        time_left: float | None,
        may_prompt: bool,
    ) -> EntraTokensError:
        """An attempt failed.

        Args:
            claims: The challenge that it was for, which is remembered by itself.
            error: Why.
            policy: Whose numbers count.
            clock: For the instant and for jitter.
            time_left: Seconds that the held token still lives; None: nothing usable is held.
            may_prompt: Whether the attempt might have asked a person.

        Returns:
            What those who waited are told: the error, with the quiet that is kept instead of what the server wished.
        """
        boot = clock.boot()
        self.failures += 1
        self._in_row += 1
        self.last_error = error
        retry_after = error.retry_after if isinstance(error, AuthorityUnavailable) else None
        quiet = quiet_time(policy, retry_after, clock.uniform)
        delay = retry_delay(policy, self._in_row, time_left, quiet, clock.uniform)
        if quiet:
            error = error.copy()
            if isinstance(error, AuthorityUnavailable):
                error.retry_after = quiet
            # The server's word is about the client, not about one challenge: it holds for every attempt.
            self._quiet = Failure(error, boot + quiet, may_prompt)
        if claims is None:
            self.next_try = boot + delay
        if self._quiet is not None:
            self.next_try = max(self.next_try, self._quiet.until)
        remembered = max(min(policy.remember_error, delay), quiet)
        self._remembered = {key: kept for key, kept in self._remembered.items() if boot < kept.until}
        self._remembered[claims] = Failure(error, boot + remembered, may_prompt)
        return error

    def left_alone(self, error: EntraTokensError) -> None:
        """An interactive attempt ended because nobody waited: that says nothing about the next caller."""
        self.failures += 1
        self.last_error = error

    def keeps_quiet(self, boot: float) -> bool:
        """Whether the server has forbidden any request for now."""
        return self._quiet is not None and boot < self._quiet.until

    def answer(self, claims: str | None, boot: float, interactive: bool) -> EntraTokensError | None:
        """The failure that answers a caller who holds nothing, as an instance of the caller's own."""
        for failure in (self._quiet, self._remembered.get(claims)):
            if failure is not None and failure.answers(boot, interactive):
                return failure.error_of_ones_own(boot)
        return None

    def forget(self) -> None:
        """Let the next caller try at once; a server's word stands."""
        self._remembered.clear()
