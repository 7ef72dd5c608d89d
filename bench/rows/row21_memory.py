"""Row 21: resident memory of a fresh process that holds one managed-identity token."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import fresh
from first_token import PROGRAMS
from outcome import FLOOR, H2O, OURS, Figure, Outcome, at_most
from service import token_service

if TYPE_CHECKING:
    from settings import Settings

WORK = "memory of a process holding one managed-identity token"

# Resident now where /proc says so, else the peak (in bytes on macOS).
_TOLD = """
import os, sys
if os.path.exists("/proc/self/statm"):
    with open("/proc/self/statm") as statm:
        print(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def measure(settings: Settings) -> Outcome:
    found: dict[str, list[float]] = {FLOOR: [], **{peer: [] for peer in PROGRAMS}}
    with token_service() as service:
        facts = service.facts
        programs = {peer: code.format(scope=facts.scope, resource=facts.resource) for peer, code in PROGRAMS.items()}
        for _ in range(settings.pick(5, 2)):
            for peer, code in {FLOOR: "", **programs}.items():
                found[peer].append(int(fresh.output_of(code + _TOLD, facts.managed_identity)) / 2**20)
    figures = [
        Figure(peer, "bare interpreter" if peer == FLOOR else "", "MB", tuple(values)) for peer, values in found.items()
    ]
    figures.append(Figure(H2O, "knows no managed identity"))
    return Outcome(21, WORK, figures, [at_most("≤ 25 MB", median(found[OURS]), 25, "MB")])
