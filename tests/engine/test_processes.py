"""Forks and ends of processes, each in a process of its own with a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
LIMIT = 50.0
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

PRELUDE = """
import asyncio, contextlib, faulthandler, os, signal, sys, threading, time, warnings
faulthandler.dump_traceback_later(45, exit=True)
from entra_tokens import AsyncTokenProvider, Token, TokenProvider
from entra_tokens.engine.engine import current_engine
from entra_tokens.testing import ManualClock, ScriptedCredential, fresh_engine
SCOPE = "api://app/.default"

def in_child(check):
    '''Fork, run the check there, and return whether it was well within ten seconds.'''
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # where there are threads on purpose
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(20)
            start = time.monotonic()
            check()
            code = 0 if time.monotonic() - start < 10 else 3
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"the child ended with {status}"
"""


def run(script: str, *, limit: float = LIMIT, silent: bool = True) -> str:
    """Run a script; its output. It must end well and say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        env={"PYTHONPATH": str(SRC), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    if silent:
        assert done.stderr == ""
    return done.stdout


# ---- fork


@forks
def test_a_child_forked_while_a_refresh_is_in_flight_gets_a_token() -> None:
    """A forked child renews locks: forked while a refresh is in flight, the parent's 8 threads calling."""
    run(
        """
        from entra_tokens import AuthorityUnavailable
        credential = ScriptedCredential(lifetime=2)
        held = ScriptedCredential()
        provider, cold = TokenProvider(credential, SCOPE), TokenProvider(held, SCOPE)
        held.hold()
        waits = threading.Thread(target=cold.token, daemon=True)
        waits.start()
        assert held.wait_for_call()
        stop = threading.Event()
        def storm():
            while not stop.is_set():
                with contextlib.suppress(AuthorityUnavailable):  # it had expired by the time a busy machine landed it
                    provider.token(); provider.get_token(); provider.status(); provider.invalidate()
        threads = [threading.Thread(target=storm, daemon=True) for _ in range(8)]
        for thread in threads: thread.start()

        class Fresh(ScriptedCredential):
            pass

        def child():
            credential.__init__(lifetime=20)  # its lock may be held by a thread that is not here
            held._open = threading.Event(); held._open.set(); held._lock = threading.Lock()
            for each in (provider, cold):
                assert each.token().startswith("token-")
                assert each.get_token().token.startswith("token-")
                each.invalidate(); each.token(); each.status()
            assert asyncio.run(cold.as_async().token())
            assert TokenProvider(Fresh(), "api://another").token() == "token-1"

        for _ in range(20):
            in_child(child)
        stop.set()
        held.release()
        waits.join(30)
        for thread in threads: thread.join(30)
        """
    )


@forks
def test_a_child_draws_refresh_on_anew_from_other_randomness() -> None:
    """A forked child reseeds its randomness and draws `refresh_on` anew."""
    out = run(
        """
        provider = TokenProvider(ScriptedCredential(lifetime=36000), SCOPE)
        token = provider.token()
        print(token.refresh_on, flush=True)
        clock = current_engine().clock
        def child():
            mine = provider.token()
            assert mine == token and mine.expires_on == token.expires_on
            assert provider.get_token().token == token
            print(mine.refresh_on, clock.uniform(0, 1), flush=True)
        for _ in range(5):
            in_child(child)
        assert provider.token() is token
        """
    )
    parent, *children = [[float(each) for each in line.split()] for line in out.splitlines()]
    assert len(children) == 5
    assert len({refresh_on for refresh_on, _ in children} | {parent[0]}) == 6
    assert len({drawn for _, drawn in children}) == 5


@forks
def test_a_child_keeps_the_provider_s_policy() -> None:
    """A forked child draws `refresh_on` anew, by the provider's own numbers."""
    run(
        """
        from entra_tokens import RefreshPolicy
        provider = TokenProvider(ScriptedCredential(lifetime=1000), SCOPE, policy=RefreshPolicy(early=(0.1, 0.11)))
        token = provider.token()
        def child():
            assert 100 - 5 < provider.token().refresh_on - (token.expires_on - 1000) < 110 + 5, provider.token()
        in_child(child)
        """
    )


@forks
def test_a_child_keeps_fresh_what_its_parent_kept_fresh() -> None:
    run(
        """
        import queue
        credential = ScriptedCredential(lifetime=0.5)
        news = queue.SimpleQueue()
        provider = TokenProvider(credential, SCOPE, keep_fresh=True, on_event=lambda event: news.put(event.kind))
        first = provider.token()
        def child():
            global news
            news = queue.SimpleQueue()  # the parent's may have been forked while it was being put into
            renewed = 0
            while renewed < 2:
                renewed += news.get(timeout=9) == "renewed"
            assert provider.status().renewals >= 3
        in_child(child)
        """
    )


@forks
def test_a_child_forked_while_a_flight_imports_can_import_too() -> None:
    """A forked child: forked while a flight imports; first-use imports happen on the flight's thread."""
    run(
        """
        from entra_tokens.engine.workers import importing
        import builtins, pathlib, tempfile
        folder = tempfile.mkdtemp()
        pathlib.Path(folder, "slow_module.py").write_text(
            "import builtins; builtins.started.set(); assert builtins.forking.wait(9)\\n"
            "with builtins.logs: pass"
        )
        sys.path.insert(0, folder)
        builtins.started, builtins.forking = started, forking = threading.Event(), threading.Event()
        # As logging's: taken by loggers and by a fork, whose hook is newer than ours where logging is imported later.
        builtins.logs = logs = threading.Lock()
        os.register_at_fork(before=logs.acquire, after_in_parent=logs.release, after_in_child=logs.release)
        def acquire(request):
            with importing(loggers=True):
                import slow_module
            return Token("t", expires_on=time.time() + 3600)
        provider = TokenProvider(ScriptedCredential(acquire, acquire), SCOPE)
        thread = threading.Thread(target=provider.token)
        thread.start()
        started.wait()
        os.register_at_fork(before=forking.set)  # last registered, first called: then the import ends
        def child():
            import slow_module
            import azure.core.credentials
            assert TokenProvider(ScriptedCredential(acquire), "api://x").get_token().token == "t"
        in_child(child)
        thread.join()
        """
    )


@forks
def test_a_child_forked_inside_the_loads_of_azure_core_goes_on() -> None:
    """The same while azure-core itself is being imported."""
    run(
        """
        provider = TokenProvider(ScriptedCredential(), SCOPE)
        threads = [threading.Thread(target=provider.get_token) for _ in range(4)]
        for thread in threads: thread.start()
        def child():
            assert asyncio.run(TokenProvider(ScriptedCredential(), "api://x").as_async().get_token()).token
        for _ in range(10):
            in_child(child)
        for thread in threads: thread.join()
        """
    )


@forks
def test_a_fork_right_after_a_flight_has_landed_does_not_warn() -> None:
    """Idle threads make every `os.fork` warn: the flight's thread has ended when the token is there."""
    run(
        """
        clock = ManualClock()
        with fresh_engine(clock):
            provider = TokenProvider(ScriptedCredential(), SCOPE)
            for _ in range(100):
                provider.token()
                pid = os.fork()  # a DeprecationWarning is an error here
                if pid == 0:
                    os._exit(0)
                os.waitpid(pid, 0)
                clock.advance(3600)
        """
    )


@forks
def test_waiters_of_the_parent_are_served_while_it_forks() -> None:
    run(
        """
        credential = ScriptedCredential()
        provider = TokenProvider(credential, SCOPE)
        credential.hold()
        got = []
        threads = [threading.Thread(target=lambda: got.append(provider.token())) for _ in range(8)]
        for thread in threads: thread.start()
        assert credential.wait_for_call()
        in_child(lambda: None)
        credential.release()
        for thread in threads: thread.join(30)
        assert got == ["token-1"] * 8 and credential.calls == 1
        """
    )


@forks
def test_multiprocessing_s_forked_workers_get_tokens() -> None:
    """Providers may be used after a fork: a pool that forks before and after the first token."""
    run(
        """
        import multiprocessing
        from entra_tokens import StaticToken
        class Plain:
            identity = ("plain",)
            def acquire(self, request):
                return Token(f"{os.getpid()}", expires_on=time.time() + 3600)
        provider = TokenProvider(Plain(), SCOPE)
        context = multiprocessing.get_context("fork")
        def work(queue):
            queue.put(str(provider.token()))
        for held in (False, True):
            queue = context.SimpleQueue()
            workers = [context.Process(target=work, args=(queue,)) for _ in range(3)]
            for worker in workers: worker.start()
            tokens = {queue.get() for _ in workers}
            for worker in workers: worker.join(30)
            assert len(tokens) == (1 if held else 3), tokens
            provider.token()
        """
    )


# ---- the end of a process


def ends_at_once(script: str, ending: str = "") -> str:
    """Run it; its output, if what comes after its last line is over in less time than anything in it may wait."""
    out = run(textwrap.dedent(script) + f"\nprint(time.perf_counter(), flush=True)\n{ending}\n")
    over = time.perf_counter()  # the same clock in every process
    last, *rest = out.splitlines()
    assert over - float(last) < 10
    return "\n".join(rest)


def test_a_process_ends_at_once_though_a_refresh_is_in_flight() -> None:
    """Exit is prompt: interpreter exit during a refresh, nothing ugly on stderr."""
    for ending in ("", "sys.exit(0)"):
        ends_at_once(
            """
            credential = ScriptedCredential()
            provider = TokenProvider(credential, SCOPE, keep_fresh=True)
            provider.token()
            credential.hold()
            provider.invalidate()
            cold = TokenProvider(credential, "api://other")
            for _ in range(3):
                threading.Thread(target=lambda: cold.token(), daemon=True).start()
            for _ in range(3): assert credential.wait_for_call()
            """,
            ending,
        )


def test_a_process_ends_at_once_though_a_loop_waits() -> None:
    """Exit is prompt."""
    ends_at_once(
        """
        credential = ScriptedCredential()
        credential.hold()
        provider = AsyncTokenProvider(credential, SCOPE)
        async def main():
            waits = asyncio.create_task(provider.token())
            await asyncio.to_thread(credential.wait_for_call)
            waits.cancel()
        asyncio.run(main())
        """
    )


def test_a_token_can_be_had_at_the_very_end() -> None:
    """Where no thread can be started (interpreter exit) the flight runs inline: `atexit`, and later than that."""
    out = ends_at_once(
        """
        import atexit
        provider = TokenProvider(ScriptedCredential(), SCOPE)
        another = TokenProvider(ScriptedCredential(), "api://other", keep_fresh=True)
        def last():
            print(provider.token(), provider.get_token().token, provider.invalidate(), provider.token(), flush=True)
            print(asyncio.run(another.as_async().token()), flush=True)
        atexit.register(last)
        threading._register_atexit(lambda: print(another.token(timeout=2), flush=True))
        """
    )
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("token-1 token-1 ")


def test_a_token_can_be_had_where_no_thread_can_be_started() -> None:
    """Where no thread can be started the flight runs inline; a stale token is served meanwhile."""
    run(
        """
        clock = ManualClock()
        def no_thread(*args, **kwargs):
            raise RuntimeError("can't start new thread")
        threading.Thread.start = no_thread
        with fresh_engine(clock):
            for provider in (TokenProvider(ScriptedCredential(), SCOPE, keep_fresh=True),):
                first = provider.token()
                assert first == "token-1"
                clock.advance(2340)
                assert provider.token() is first
                assert provider.status().failures == 1
                assert provider.invalidate() is True
                assert provider.token() is first
                clock.advance(3600)
                assert provider.token() == "token-2"
                assert asyncio.run(provider.as_async().get_token("api://other")).token == "token-3"
        """
    )


def test_importing_and_making_a_provider_starts_no_thread() -> None:
    run(
        """
        before = threading.active_count()
        TokenProvider(ScriptedCredential(), SCOPE, keep_fresh=True)
        assert threading.active_count() == before
        """
    )
