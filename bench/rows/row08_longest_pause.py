"""Row 8: one thread does nothing but ask, while tokens are renewed every second by an authority that takes 0.5 s.

Each library runs in a process of its own, so that no garbage collector walks another's modules. Every token lives an
hour and wants renewal after one second (`refresh_in` 1), which all but h2o-authn obey; that one is told by its own
`minimal_refresh_period`. azure-identity's asynchronous credential renews at most every 30 s: it meets one renewal.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import fresh
from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Check, Figure, Outcome, shown
from service import token_service

if TYPE_CHECKING:
    from settings import Settings

WORK = "longest pause of a caller while tokens renew, 0.5 s authority"

_LATENCY = 0.5
_WHO = {
    FLOOR: (FLOOR, "an empty function"),
    "azure": (AZURE, ""),
    "azure_aio": (AZURE, "aio"),
    "msal": (MSAL, ""),
    "h2o": (H2O, ""),
    "ours": (OURS, ""),
    "ours_aio": (OURS, "async"),
}


def measure(settings: Settings) -> Outcome:
    figures = []
    least, longest = float("inf"), 0.0
    with token_service(_LATENCY) as service:
        service.lives(3600, refresh_in=1)
        for who, (peer, what) in _WHO.items():
            pauses: list[float] = []
            computed: list[float] = []
            renewals = 0
            # Half a second stands out once; few milliseconds need more than one look.
            for _ in range(settings.pick(3, 1) if peer in (OURS, FLOOR) else 1):
                service.mark()
                code = f"import pausing; pausing.main({who!r}, {settings.pick(6, 4)})"
                wall, own = json.loads(fresh.output_of(code, stdin=service.facts.to_json()))
                pauses.append(wall * 1000)
                computed.append(own * 1000)
                renewals += service.count() - 1
            note = "" if peer == FLOOR else f"{renewals} renewals"
            figures.append(Figure(peer, what, "ms", tuple(pauses), note))
            if peer == OURS:
                longest, least = max(longest, figures[-1].median), min(least, renewals)
                figures.append(Figure(OURS, f"{what} in processor time".strip(), "ms", tuple(computed)))
    checks: list[Any] = [
        Check("≤ 5 ms", f"{shown(longest)} ms", longest <= 5),
        Check("it did renew", f"{least:.0f} renewals", least >= 2),
    ]
    notes = [
        "each sample is the longest pause of one process; the floor's is what this machine does to any loop",
        "in processor time: what the process itself computed during a call, other processes left out",
    ]
    return Outcome(8, WORK, figures, checks, notes)
