"""`python -m entra_tokens.emulator`: an emulator until Ctrl-C, with its addresses on the screen.

Where stdout is no terminal it writes one line of JSON instead, for a program, and ends with stdin, too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from .emulator import Emulator
from .environ import PLACES

_FACTS = (
    "authority",
    "ca_file",
    "tenant_id",
    "client_id",
    "client_secret",
    "h2ogpte_url",
    "h2ogpte_scope",
    "issuer",
    "managed_identity_url",
    "control_url",
    "control_room_url",
    "control_secret",
)

_WHAT = """A local Microsoft Entra ID, managed-identity hosts and an h2oGPTe front, for tests and demos. It runs until
Ctrl-C. Where stdout is no terminal it writes one line of JSON, for a program, and ends when stdin ends."""


def main(
    arguments: list[str] | None = None, *, prog: str = "python -m entra_tokens.emulator", examples: str = ""
) -> int:
    """Run until told to end; returns the exit status. For the main thread: it takes SIGINT and SIGTERM.

    Args:
        arguments: Those of the command line; None: this process's.
        prog: What the command is called in its help and its errors.
        examples: What stands at the end of its help.
    """
    options = _parser(prog, examples).parse_args(arguments)
    # Not an Event: its lock, held by the interrupted thread when a signal comes, would stop the handler for ever.
    over: queue.SimpleQueue[None] = queue.SimpleQueue()

    def end(*_: Any) -> None:
        over.put(None)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        emulator = Emulator(
            options.lifetime,
            options.latency,
            options.port,
            interval=options.interval,
            refresh_in=options.refresh_in,
            device_code_lifetime=options.device_code_lifetime,
            bind=options.bind,
            signing_help=True,
        ).start()
    except OSError as error:
        sys.stderr.write(f"{prog}: {error}\n")
        return 1
    try:
        if options.json or not sys.stdout.isatty():
            facts = {name: getattr(emulator, name) for name in _FACTS}
            facts["environs"] = _environs(emulator)
            sys.stdout.write(json.dumps(facts) + "\n")
            sys.stdout.flush()
            threading.Thread(target=_until_stdin_ends, args=[over], daemon=True).start()
        else:
            from .panel import show

            show(emulator, _environs(emulator), options.place)
        # With a time limit, because Windows delivers no signal to a thread that waits without one.
        while True:
            with contextlib.suppress(queue.Empty):
                over.get(timeout=1)
                break
    finally:
        emulator.stop()
    return 0


def _environs(emulator: Emulator) -> dict[str, dict[str, str]]:
    environs: dict[str, dict[str, str]] = {}
    for place in PLACES:
        with contextlib.suppress(PermissionError):  # Azure Arc's folder is not everyone's
            environs[place] = emulator.environ(place)
    return environs


class _Parser(argparse.ArgumentParser):
    examples = ""

    def format_help(self) -> str:
        return f"{super().format_help()}{self.examples}"  # as they are written: an epilog would be filled


def _parser(prog: str, examples: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, description=_WHAT)
    parser.examples = examples
    parser.add_argument("--lifetime", type=float, default=3600, metavar="S", help="seconds an access token lives")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="seconds each answer is held back")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the authority's port; 0: any free one")
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="in a container 0.0.0.0: see the docs")
    parser.add_argument("--interval", type=float, default=5, metavar="S", help="seconds between device-code polls")
    parser.add_argument("--refresh-in", type=float, default=None, metavar="S", help="refresh_in of token replies")
    parser.add_argument("--device-code-lifetime", type=float, default=900, metavar="S", help="seconds a code waits")
    parser.add_argument("--place", choices=PLACES, metavar="PLACE", help=f"show its variables: {', '.join(PLACES)}")
    parser.add_argument("--json", action="store_true", help="one line of JSON, and end when stdin ends")
    return parser


def _until_stdin_ends(over: queue.SimpleQueue[None]) -> None:
    """Whoever started this process ends it by leaving, in whatever way."""
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except (OSError, ValueError):
        return
    over.put(None)


if __name__ == "__main__":
    sys.exit(main())
