"""How times are taken: contenders in turns, so that a busy moment hits them alike; ratios within a turn, then medians.

Every statement is timed as timeit does it: a loop over `repeat(None, n)` around the bare statement, garbage collection
off. So a figure holds the loop's own few nanoseconds, the same for all. Where one thread only computes (a cached call
waits for nothing) its own processor time is taken: what else runs on the machine then counts for less.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from statistics import median
from timeit import Timer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "Pause",
    "Statement",
    "call_seconds",
    "longest_pause",
    "longest_pause_in_loop",
    "microseconds",
    "microseconds_in_loop",
    "rates",
    "ratio",
]

Statement = tuple[str, dict[str, Any]]  # what is timed, and the names in it


class Pause(NamedTuple):
    """The longest call in seconds; and the longest in processor time of the whole process, which leaves out what other
    processes took: the calling thread then waited for another thread of its own."""

    wall: float
    computed: float


# Not everywhere there is one for each thread.
PROCESSOR_TIME: Callable[[], float] = getattr(time, "thread_time", time.perf_counter)


def microseconds(statements: dict[str, Statement], *, rounds: int, sample: float) -> dict[str, tuple[float, ...]]:
    """Microseconds per run of each statement; `sample` is how many seconds one sample takes."""
    timers = {name: Timer(text, timer=PROCESSOR_TIME, globals=names) for name, (text, names) in statements.items()}
    runs = {name: _runs_within(timer.timeit, sample) for name, timer in timers.items()}
    found: dict[str, list[float]] = {name: [] for name in timers}
    for name in _turns(list(timers), rounds):
        found[name].append(timers[name].timeit(runs[name]) / runs[name] * 1e6)
    return {name: tuple(values) for name, values in found.items()}


async def microseconds_in_loop(
    statements: dict[str, Statement], *, rounds: int, sample: float
) -> dict[str, tuple[float, ...]]:
    """As `microseconds`, for statements with `await` in them, inside one coroutine of the running loop."""
    timers = {name: _loop_timer(text, names) for name, (text, names) in statements.items()}
    runs = {}
    for name, timer in timers.items():
        number = 1
        while (took := await timer(number)) < sample / 4 and number < 2**24:
            number *= 4
        runs[name] = max(1, int(number * sample / took))
    found: dict[str, list[float]] = {name: [] for name in timers}
    for name in _turns(list(timers), rounds):
        await asyncio.sleep(0)
        found[name].append(await timers[name](runs[name]) / runs[name] * 1e6)
    return {name: tuple(values) for name, values in found.items()}


def _loop_timer(text: str, names: dict[str, Any]) -> Callable[[int], Any]:
    source = (
        "async def inner(n):\n"
        "    its = _repeat(None, n)\n"
        "    start = _clock()\n"
        "    for _ in its:\n"
        f"        {text}\n"
        "    return _clock() - start\n"
    )
    from itertools import repeat

    space = {**names, "_repeat": repeat, "_clock": PROCESSOR_TIME}
    exec(source, space)

    async def timed(number: int) -> float:
        was_on = gc.isenabled()
        gc.disable()
        try:
            took: float = await space["inner"](number)
        finally:
            if was_on:
                gc.enable()
        return took

    return timed


def rates(
    statements: dict[str, Statement], *, threads: int, rounds: int, sample: float
) -> dict[str, tuple[float, ...]]:
    """Runs per second that so many threads together make of each statement."""
    runs = {name: _runs_within(Timer(text, globals=names).timeit, sample) for name, (text, names) in statements.items()}
    found: dict[str, list[float]] = {name: [] for name in statements}
    for name in _turns(list(statements), rounds):
        text, names = statements[name]
        each = max(1, runs[name] // threads)
        found[name].append(_rate(text, names, threads, each))
    return {name: tuple(values) for name, values in found.items()}


def _rate(text: str, names: dict[str, Any], threads: int, each: int) -> float:
    gate = threading.Barrier(threads + 1)
    ends: list[float] = []

    def work() -> None:
        timer = Timer(text, globals=names)
        gate.wait()
        timer.timeit(each)
        ends.append(time.perf_counter())

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    gate.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return threads * each / (max(ends) - start)


def _runs_within(timeit: Callable[[int], float], sample: float) -> int:
    number = 1
    while (took := timeit(number)) < sample / 4 and number < 2**24:
        number *= 4
    return max(1, int(number * sample / took))


def _turns(names: list[str], rounds: int) -> Iterator[str]:
    """Every name once a round, each round beginning with another."""
    for number in range(rounds):
        first = number % len(names)
        yield from names[first:] + names[:first]


def ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median over the rounds of this / that, both taken in the same round."""
    return median(this / that for this, that in zip(these, those, strict=True))


def call_seconds(call: Callable[[], Any]) -> tuple[float, BaseException | None]:
    """How long one call took, and what it raised."""
    start = time.perf_counter()
    try:
        call()
    except Exception as error:  # a peer's failing is what is measured
        return time.perf_counter() - start, error
    return time.perf_counter() - start, None


def longest_pause(call: Callable[[], Any], seconds: float) -> Pause:
    """The longest call of a loop that does nothing but call."""
    clock, own = time.perf_counter, time.process_time
    longest = computed = 0.0
    before, own_before = clock(), own()
    end = before + seconds
    while before < end:
        call()
        after, own_after = clock(), own()
        longest, computed = max(longest, after - before), max(computed, own_after - own_before)
        before, own_before = after, own_after
    return Pause(longest, computed)


async def longest_pause_in_loop(call: Callable[[], Any], seconds: float) -> Pause:
    """As `longest_pause`, awaiting each call."""
    clock, own = time.perf_counter, time.process_time
    longest = computed = 0.0
    before, own_before = clock(), own()
    end = before + seconds
    while before < end:
        await call()
        after, own_after = clock(), own()
        longest, computed = max(longest, after - before), max(computed, own_after - own_before)
        before, own_before = after, own_after
    return Pause(longest, computed)
