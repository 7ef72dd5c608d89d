"""`entra-tokens watch`."""

from __future__ import annotations

import json
import sys
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .. import environment
from ..engine.clock import SYSTEM_CLOCK
from ..engine.status import TokenEvent
from . import talk
from .keyboard import Keyboard
from .options import common
from .signals import Signals, named
from .watch_screen import clock, line, news, screen, screen_console
from .watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .settings import Settings

__all__ = ["command"]

_TICK = 1.0  # seconds between pictures
_SHOWN = 5  # events
_LEAVE = frozenset("qQ\x03\x1b")

_EXAMPLES = """\b
Examples:
  entra-tokens watch --scope api://APP/.default
  entra-tokens watch --every 30 >> tokens.log
"""


@click.command("watch", epilog=_EXAMPLES)
@click.option(
    "--every",
    type=click.FloatRange(0.1, 86400),
    default=60.0,
    metavar="SECONDS",
    help="Without a terminal: how often a line is written (60).",
)
@common
def command(settings: Settings, every: float) -> None:
    """Watch what is held and when it renews.

    The token of --scope is kept fresh meanwhile; below it stand the other tokens that are stored here, which other
    programs renew. Without a terminal it writes a line for each token at intervals, and one for each event. q or Ctrl-C
    leaves.
    """
    with Signals(named("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")) as signals:
        watched = Watched(settings, signals.put)
        with watched:
            if talk.is_terminal(sys.stdout) and not settings.as_json and environment.read("TERM") != "dumb":
                _live(watched, signals)
            else:
                _lines(watched, signals, every, as_json=settings.as_json)


def _live(watched: Watched, signals: Signals) -> None:
    from rich.live import Live

    console = screen_console()
    events: deque[TokenEvent] = deque(maxlen=_SHOWN)
    keys = talk.is_terminal(sys.stdin)
    with (
        Keyboard(signals.put),
        Live(console=console, screen=True, auto_refresh=False, transient=True) as live,
    ):
        while True:
            live.update(screen(watched.rows(), events, width=console.width, keys=keys), refresh=True)
            for came in signals.within(_TICK):
                if isinstance(came, TokenEvent):
                    events.append(came)
                elif isinstance(came, int) or came in _LEAVE:
                    return


def _lines(watched: Watched, signals: Signals, every: float, *, as_json: bool) -> None:
    due = SYSTEM_CLOCK.boot()
    while True:
        left = due - SYSTEM_CLOCK.boot()
        if left <= 0:
            due = SYSTEM_CLOCK.boot() + every
            for text in _pictures(watched, as_json=as_json):
                talk.result(text)
            talk.finish()
            continue
        for came in signals.within(left):
            if isinstance(came, TokenEvent):
                talk.result(json.dumps(_as_json(came)) if as_json else news(came))
                talk.finish()
            else:
                return


def _pictures(watched: Watched, *, as_json: bool) -> Iterator[str]:
    now, rows = SYSTEM_CLOCK.wall(), watched.rows()
    if as_json:
        yield json.dumps({"at": now, "tokens": [asdict(row) for row in rows]})
        return
    for row in rows:
        yield line(row, now)
    if not rows:
        yield f"{clock(now)} nothing is held or stored here"


def _as_json(event: TokenEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "event": event.kind,
        "scopes": " ".join(event.scopes),
        "expires_on": event.expires_on,
        "refresh_on": event.refresh_on,
        "error": event.error.message if event.error is not None else None,
    }
