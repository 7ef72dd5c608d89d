"""Row 4: 64 threads that all find nothing held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peers
from outcome import Figure, Outcome, exactly
from service import token_service
from storm import in_threads

from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from settings import Settings

WORK = "64 cold callers, threads: token requests"

CALLERS = 64
# Seconds that the authority takes: all 64 have asked before the first is answered.
LATENCY = 0.5


def measure(settings: Settings) -> Outcome:
    counts: dict[str, list[float]] = {peer: [] for peer in peers.SYNC}
    with token_service(LATENCY) as service:
        for _ in range(settings.pick(3, 1)):
            for peer, make in peers.SYNC.items():
                service.mark()
                with fresh_engine():
                    got = in_threads([make(service.facts)] * CALLERS)
                _all_good(peer, got)
                counts[peer].append(service.count())
    figures = [Figure(peer, "", "requests", tuple(values)) for peer, values in counts.items()]
    return Outcome(4, WORK, figures, [exactly("1", tuple(counts["ours"]), 1)])


def _all_good(peer: str, got: list[object]) -> None:
    bad = [outcome for outcome in got if isinstance(outcome, BaseException)]
    if bad or len(got) != CALLERS:
        raise RuntimeError(f"{peer}: {len(bad)} of {len(got)} callers failed, the first with {bad[:1]!r}")
