"""Measure entra-tokens, azure-identity, msal and h2o-authn in one run, against one kind of local TLS token service.

    python bench/run.py [--rows 1,2,8] [--quick] [--json PATH]

The rows are those of the table of targets; each is one module in bench/rows/.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import machine
import report
from outcome import Outcome
from rows import ROWS, Settings
from service import clean_environment

_DEFAULT = Path(__file__).parent / "results.json"


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 if every row asked for could be measured, whatever it found."""
    asked = _parser().parse_args(arguments)
    # Peers log what rows 7 to 11 make them suffer.
    logging.disable(logging.CRITICAL)
    clean_environment()
    facts = machine.facts()
    screen = _Screen(machine.one_line(facts))
    outcomes = []
    for number in asked.rows:
        screen.begins(number, ROWS[number].WORK)
        outcomes.append(_measured(number, Settings(quick=asked.quick)))
        screen.ends(outcomes[-1])
    screen.summary(outcomes)
    content: dict[str, Any] = {"machine": facts, "quick": asked.quick, "rows": [found.as_dict() for found in outcomes]}
    asked.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Every sample is in {asked.json}")
    return int(any(found.error for found in outcomes))


def _measured(number: int, settings: Settings) -> Outcome:
    row = ROWS[number]
    start = time.perf_counter()
    try:
        outcome: Outcome = row.measure(settings)
    except Exception as error:  # one row that breaks must not cost the others
        outcome = Outcome(number, row.WORK, error=f"{type(error).__name__}: {error}")
    outcome.seconds = time.perf_counter() - start
    return outcome


class _Screen:
    """Rich on a terminal, plain lines elsewhere."""

    def __init__(self, heading: str) -> None:
        self._rich: Any = None
        self._status: Any = None
        if sys.stdout.isatty():
            from rich.console import Console

            self._rich = Console()
            self._rich.print(heading, highlight=False)
        else:
            print(heading, flush=True)

    def begins(self, number: int, work: str) -> None:
        if self._rich:
            self._status = self._rich.status(f"row {number}: {work}")
            self._status.start()

    def ends(self, outcome: Outcome) -> None:
        if self._status:
            self._status.stop()
            line = f"row {outcome.number}: {outcome.verdict} ({outcome.seconds:.1f} s)"
            self._rich.print(line, highlight=False)
        else:
            print(f"\n{report.plain(outcome)}", flush=True)

    def summary(self, outcomes: list[Outcome]) -> None:
        if self._rich:
            self._rich.print(report.table(outcomes))
            for outcome in outcomes:
                for note in outcome.notes:
                    self._rich.print(f"{outcome.number}: {note}", style="dim", highlight=False)
        verdicts = [outcome.verdict for outcome in outcomes]
        kinds = ("reached", "short", "not measured")
        print("\n" + ", ".join(f"{verdicts.count(kind)} {kind}" for kind in kinds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=_rows, default=list(ROWS), metavar="1,2,…", help=f"of {_listed()}; default all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter samples: to see that it works")
    parser.add_argument("--json", type=Path, default=_DEFAULT, metavar="PATH", help="default bench/results.json")
    return parser


def _rows(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    unknown = [number for number in numbers if number not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no row {unknown[0]}; there are {_listed()}")
    return numbers


def _listed() -> str:
    return ",".join(map(str, ROWS))


if __name__ == "__main__":
    sys.exit(main())
