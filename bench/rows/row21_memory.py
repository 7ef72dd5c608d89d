"""Row 21: resident memory of a fresh process that holds one managed-identity token."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import fresh
from first_token import HOSTS, environ_of, programs
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
    figures: list[Figure] = []
    ours: list[float] = []
    rounds, fewer = settings.pick((5, 3), (2, 1))
    with token_service() as service:
        for host in HOSTS:
            environ = environ_of(service, host)
            if environ is None:
                figures.append(Figure(OURS, f"{host}: cannot be played here"))
                continue
            codes = {**({FLOOR: ""} if host == "imds" else {}), **programs(service, host)}
            for peer, code in codes.items():
                found = tuple(
                    int(fresh.output_of(code + _TOLD, environ)) / 2**20
                    for _ in range(rounds if host == "imds" else fewer)
                )
                figures.append(Figure(peer, "bare interpreter" if peer == FLOOR else host, "MB", found))
                if peer == OURS:
                    ours.append(median(found))
    figures.append(Figure(H2O, "knows no managed identity"))
    return Outcome(21, WORK, figures, [at_most("≤ 25 MB at every host", max(ours), 25, "MB")])
