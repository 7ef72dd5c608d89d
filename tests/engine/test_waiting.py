"""Clocks, signals, and waiting for one on whatever runs the caller."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from types import ModuleType
from typing import Any

import pytest
import trio

from engine.faces import Call, until
from entra_tokens.engine.clock import Signal, SystemClock
from entra_tokens.engine.waiting import wait_in_loop


def on_asyncio(signal: Signal, seconds: float) -> bool:
    return asyncio.run(wait_in_loop(signal, seconds))


def on_trio(signal: Signal, seconds: float) -> bool:
    return trio.run(wait_in_loop, signal, seconds)


def on_a_thread(signal: Signal, seconds: float) -> bool:
    return signal.wait(seconds)


@pytest.mark.parametrize("wait", [on_asyncio, on_trio, on_a_thread])
def test_a_signal_wakes_its_waiters(wait: Any) -> None:
    signal = Signal()
    assert wait(signal, 0) is False
    assert wait(signal, 0.01) is False
    assert signal._callbacks == [], "who left is forgotten"
    call = Call(lambda _: wait(signal, 10))
    if wait is not on_a_thread:
        until(lambda: signal._callbacks)
    signal.set()
    assert call.result() is True
    assert wait(signal, 0) is True
    assert wait(signal, 10) is True
    assert signal._callbacks == []


def test_callbacks_are_called_once_also_when_it_is_set_already() -> None:
    signal, called = Signal(), []
    first, second = (lambda: called.append(1)), (lambda: called.append(2))
    signal.call_when_set(first)
    signal.call_when_set(second)
    signal.forget(first)
    signal.forget(first)
    signal.set()
    signal.set()
    assert called == [2]
    signal.call_when_set(first)
    assert called == [2, 1]
    assert signal.is_set()


def test_asyncio_under_trio_s_feet_is_told_apart() -> None:
    """asyncio and trio in one process, one thread each."""
    signal = Signal()
    calls = [Call(lambda _: on_trio(signal, 10)), Call(lambda _: on_asyncio(signal, 10))]
    until(lambda: len(signal._callbacks) == 2)
    signal.set()
    assert [call.result() for call in calls] == [True, True]


def test_trio_as_a_guest_of_asyncio() -> None:
    """Both loops on one thread."""
    signal, results = Signal(), {}

    async def guest() -> None:
        results["trio"] = await wait_in_loop(signal, 10)

    async def host() -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        trio.lowlevel.start_guest_run(
            guest,
            run_sync_soon_threadsafe=asyncio.get_running_loop().call_soon_threadsafe,
            done_callback=lambda outcome: done.set_result(None),
        )
        threading.Timer(0.05, signal.set).start()
        results["asyncio"] = await wait_in_loop(signal, 10)
        await done

    asyncio.run(host())
    assert results == {"trio": True, "asyncio": True}


def test_a_wait_without_a_loop_is_an_error_not_a_hang() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        wait_in_loop(Signal(), 1).send(None)


def test_the_system_s_clock_is_the_machine_s() -> None:
    clock = SystemClock()
    assert abs(clock.wall() - time.time()) < 5  # noqa: TID251 - what it is about
    before = clock.boot()
    assert clock.sleep(0.01, Signal()) is False
    assert clock.boot() - before >= 0.009
    assert clock.sleep(-1, Signal()) is False
    wake = Signal()
    wake.set()
    assert clock.sleep(100, wake) is True
    assert all(2 <= clock.uniform(2, 3) <= 3 for _ in range(100))
    assert len({clock.uniform(0, 1) for _ in range(100)}) > 90


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="CLOCK_BOOTTIME is Linux's")
def test_the_boot_clock_counts_suspend() -> None:
    """the boot clock (which counts suspend; elsewhere than on Linux the nearest there is)."""
    assert abs(SystemClock().boot() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


def test_where_there_is_no_boot_clock_the_nearest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing imports `CLOCK_BOOTTIME` unguarded."""
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert SystemClock().boot is time.monotonic  # noqa: TID251 - what it is about


@pytest.mark.parametrize("parts", [[], ["lowlevel"]])
def test_a_trio_that_another_thread_is_importing_runs_nothing(
    parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpx imports it, in a flight, while tasks of a loop begin to wait for that flight."""
    half = ModuleType("trio")
    for part in parts:
        setattr(half, part, ModuleType(f"trio.{part}"))
    monkeypatch.setitem(sys.modules, "trio", half)
    assert asyncio.run(wait_in_loop(Signal(), 0.01)) is False
