"""Run the demo; exit status 0 only if every promise was kept."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich.live import Live

from entra_tokens import environment
from entra_tokens.emulator.remote import RemoteEmulator
from entra_tokens.engine.clock import SYSTEM_CLOCK

from .play import Play
from .seats import providers
from .show import console, live_view, plain_line, summary

if TYPE_CHECKING:
    from .seats import Party

LIFETIME = 20.0
LENGTH = 40.0
REFUSED_AFTER = (6.0, 22.0)  # each time as soon as a renewal is about to be due, so that it is met
REFUSED_FOR = 3.0
TICK, PLAIN_TICK = 0.5, 5.0


def main() -> int:
    # While the authority is refused, azure_token() may have to warn that its token lasts less than was wished for.
    warnings.filterwarnings("ignore", "azure_token", RuntimeWarning)
    logging.getLogger("entra_tokens").addHandler(logging.NullHandler())
    console.print("Starting the emulator, and the real h2ogpte package (its import takes some seconds) ...")
    with RemoteEmulator(lifetime=LIFETIME, interval=1) as emulator:
        environment.apply({**emulator.environ("imds"), **emulator.environ("azure_cli")})
        parties = providers(emulator)
        play = Play(emulator, parties)
        play.start(lambda line: console.print(f"  seated: {line}"))
        try:
            refused = _watch(emulator, play, parties)
        finally:
            play.stop()
        front = emulator.stats()["front"]
        play.claim(front)
        return 0 if summary(parties, front, refused) else 1


def _watch(emulator: RemoteEmulator, play: Play, parties: list[Party]) -> int:
    """Show what goes on, and refuse the authority now and then; how often."""
    clock, tick = SYSTEM_CLOCK, threading.Event()
    start = clock.boot()
    refusals, was_down = list(REFUSED_AFTER), False
    refused_until = next_line = start
    with Live(console=console, auto_refresh=False) if console.is_terminal else nullcontext() as live:
        while (left := LENGTH - (clock.boot() - start)) > 0:
            if refusals and LENGTH - left >= refusals[0] and _renewal_is_near(parties, clock.wall()):
                refusals.pop(0)
                emulator.fail("managed_identity", fault="refuse", seconds=REFUSED_FOR)
                emulator.fail("authority", fault="refuse", seconds=REFUSED_FOR)
                refused_until = clock.boot() + REFUSED_FOR
            down = clock.boot() < refused_until
            front = emulator.stats()["front"]
            play.claim(front)
            note = "the authority REFUSES connections" if down else "the authority answers"
            if live is not None:
                live.update(live_view(parties, front, clock.wall(), left, note), refresh=True)
            elif clock.boot() >= next_line or down is not was_down:
                next_line = clock.boot() + PLAIN_TICK
                console.print(plain_line(parties, front, clock.wall(), left, note), soft_wrap=True)
            was_down = down
            tick.wait(TICK)
    return len(REFUSED_AFTER) - len(refusals)


def _renewal_is_near(parties: list[Party], now: float) -> bool:
    instants = [party.provider.status().refresh_on for party in parties]
    return any(instant is not None and 0 < instant - now < 2 * TICK for instant in instants)


if __name__ == "__main__":
    sys.exit(main())
