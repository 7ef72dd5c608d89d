"""Row 12: eight processes that start together with one cache on disk, and find nothing in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import fresh
from disk import COLD, own_folder
from outcome import H2O, OURS, Figure, Outcome, exactly
from service import token_service

if TYPE_CHECKING:
    from settings import Settings

WORK = "8 processes cold, one store: token requests"

PROCESSES = 8
# Seconds that the authority takes: all eight have asked before the first is answered, however slowly they start.
LATENCY = 2.0


def measure(settings: Settings) -> Outcome:
    counts: dict[str, list[float]] = {peer: [] for peer in COLD}
    with token_service(LATENCY) as service, ThreadPoolExecutor(PROCESSES) as together:
        facts = service.facts.to_json()
        for _ in range(settings.pick(3, 1)):
            for peer, code in COLD.items():
                service.mark()
                with own_folder():
                    started = [together.submit(fresh.output_of, code, stdin=facts) for _ in range(PROCESSES)]
                    for one in started:
                        one.result()
                counts[peer].append(service.count())
    figures = [
        Figure(peer, "no cache on disk" if peer == H2O else "", "requests", tuple(values))
        for peer, values in counts.items()
    ]
    return Outcome(12, WORK, figures, [exactly("1", tuple(counts[OURS]), 1)])
