"""Many callers at the same instant."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["in_tasks", "in_threads", "in_threads_and_loops"]


def in_threads(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returned or raised, all of them made at once, each on a thread of its own."""
    return _together([lambda call=call: [_outcome(call)] for call in calls])  # type: ignore[misc]


async def in_tasks(call: Callable[[], Awaitable[Any]], count: int) -> list[Any]:
    """What so many tasks of the running loop got."""
    return await asyncio.gather(*(call() for _ in range(count)), return_exceptions=True)


def in_threads_and_loops(
    call: Callable[[], Any], async_call: Callable[[], Awaitable[Any]], *, threads: int, loops: int, tasks: int
) -> list[Any]:
    """Threads and several event loops (each on a thread of its own, with so many tasks) together."""
    jobs: list[Callable[[], list[Any]]] = [lambda: [_outcome(call)] for _ in range(threads)]
    jobs += [lambda: asyncio.run(in_tasks(async_call, tasks)) for _ in range(loops)]
    return _together(jobs)


def _together(jobs: list[Callable[[], list[Any]]]) -> list[Any]:
    gate = threading.Barrier(len(jobs))
    found: list[Any] = []

    def work(job: Callable[[], list[Any]]) -> None:
        gate.wait()
        found.extend(job())

    workers = [threading.Thread(target=work, args=[job]) for job in jobs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # a failing call is an outcome here
        return error
