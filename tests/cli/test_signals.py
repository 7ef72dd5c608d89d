"""Signals: every one is received, whatever the main thread is doing when it comes."""

from __future__ import annotations

import gc
import signal
import threading

import pytest

from entra_tokens.cli.signals import Signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="a signal for one thread is POSIX's")


def test_one_that_does_not_interrupt_the_wait_ends_it() -> None:
    """Python's handler runs in the main thread, and a signal may come where its wait is not interrupted: in another
    thread, as here; or just before it, where a lock to wait at has lost some 15 of a million.
    """
    goes_on = threading.Semaphore(0)

    def send() -> None:
        for _ in range(200):
            goes_on.acquire()
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    sender = threading.Thread(target=send)
    with Signals([signal.SIGUSR1]) as signals:
        sender.start()
        for _ in range(200):
            goes_on.release()
            assert signals.wait() == signal.SIGUSR1
        sender.join()


def test_what_a_thread_puts_ends_the_wait_too() -> None:
    with Signals([]) as signals:
        threading.Thread(target=signals.put, args=["news"]).start()
        assert signals.wait() == "news"


def test_nothing_is_nothing_and_what_was_handled_before_is_again() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Signals([signal.SIGUSR1]) as signals:
        assert signals.within(0.01) == signals.within(0) == []
    assert signal.getsignal(signal.SIGUSR1) is before
    signals.put("after its end")  # by a thread that did not know


def test_what_the_process_was_started_to_ignore_stays_ignored() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with Signals([signal.SIGUSR1]) as signals:
            signal.raise_signal(signal.SIGUSR1)
            assert signals.within(0.01) == []
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_another_thread_than_the_main_one_is_refused_and_leaves_nothing_open() -> None:
    def enter() -> None:
        with pytest.raises(ValueError, match="main thread"), Signals([]):
            pass  # a socket that is left open fails the test

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    gc.collect()
