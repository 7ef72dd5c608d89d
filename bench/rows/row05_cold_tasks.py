"""Row 5: 64 tasks that all find nothing held; and threads and three event loops mixed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import peers
from outcome import AZURE, H2O, MSAL, OURS, Figure, Outcome, exactly
from service import token_service
from storm import in_tasks, in_threads_and_loops

from entra_tokens.testing import fresh_engine
from rows.row04_cold_threads import CALLERS, LATENCY

if TYPE_CHECKING:
    from service import Facts
    from settings import Settings

WORK = "64 cold callers, tasks: token requests"

_MIXED = {"threads": 16, "loops": 3, "tasks": 16}  # 64 callers


def measure(settings: Settings) -> Outcome:
    counts: dict[str, list[float]] = {peer: [] for peer in peers.ASYNC}
    mixed: list[float] = []
    with token_service(LATENCY) as service:
        for _ in range(settings.pick(3, 1)):
            for peer in peers.ASYNC:
                service.mark()
                with fresh_engine():
                    _all_good(peer, asyncio.run(_storm(peer, service.facts)))
                counts[peer].append(service.count())
            service.mark()
            with fresh_engine():
                provider = peers.our_provider(service.facts)
                _all_good(OURS, in_threads_and_loops(provider.token, provider.as_async().token, **_MIXED))
            mixed.append(service.count())
    nothing_shared = "sync and async objects share nothing"
    figures = [Figure(peer, "", "requests", tuple(values)) for peer, values in counts.items()]
    figures += [
        Figure(OURS, "threads and 3 loops mixed", "requests", tuple(mixed)),
        Figure(AZURE, f"mixed: {nothing_shared}"),
        Figure(H2O, f"mixed: {nothing_shared}"),
        Figure(MSAL, peers.NO_ASYNC),
    ]
    return Outcome(
        5,
        WORK,
        figures,
        [exactly("1", tuple(counts[OURS]), 1), exactly("threads and 3 loops mixed: 1", tuple(mixed), 1)],
    )


async def _storm(peer: str, facts: Facts) -> list[Any]:
    async with peers.ASYNC[peer](facts) as call:
        return await in_tasks(call, CALLERS)


def _all_good(peer: str, got: list[Any]) -> None:
    bad = [outcome for outcome in got if isinstance(outcome, BaseException)]
    if bad or len(got) != CALLERS:
        raise RuntimeError(f"{peer}: {len(bad)} of {len(got)} callers failed, the first with {bad[:1]!r}")
