"""Row 22: a whole process that starts, gets one managed-identity token and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fresh
from first_token import HOSTS, environ_of, programs
from outcome import AZURE, FLOOR, H2O, OURS, Figure, Outcome, at_least, shown
from service import token_service
from timing import ratio

if TYPE_CHECKING:
    from settings import Settings

WORK = "process start to first managed-identity token (whole process)"


def measure(settings: Settings) -> Outcome:
    figures: list[Figure] = []
    faster: dict[str, float] = {}
    rounds, fewer = settings.pick((15, 7), (4, 2))
    with token_service() as service:
        for host in HOSTS:
            environ = environ_of(service, host)
            if environ is None:
                figures.append(Figure(OURS, f"{host}: cannot be played here"))
                continue
            codes = {**({FLOOR: "pass"} if host == "imds" else {}), **programs(service, host)}
            found = fresh.in_turns(codes, rounds=rounds if host == "imds" else fewer, environ=environ)
            faster[host] = ratio(found[AZURE], found[OURS])
            for peer, values in found.items():
                what = "bare interpreter" if peer == FLOOR else host
                figures.append(Figure(peer, what, "ms", tuple(value * 1000 for value in values)))
    figures.append(Figure(H2O, "knows no managed identity"))
    told = ", ".join(f"{host} {shown(value)}" for host, value in faster.items())
    checks = [at_least("azure-identity / ours ≥ 2.5 at every host", min(faster.values()), 2.5)]
    return Outcome(22, WORK, figures, checks, [f"azure-identity / ours: {told}"])
