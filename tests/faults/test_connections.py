"""What acquisitions leave behind in a process: forks, loops, file descriptors, threads, warnings at its end.

Each program is a process of its own in which every warning is an error, so that the emulator's thread and sockets are
not taken for ours.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

from engine.faces import FACES, until
from entra_tokens import ManagedIdentity, TokenProvider
from faults.kit import PATIENCE, ImpatientClock, Scene, client_secret, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

LONGEST = 50.0  # seconds for a program

# What every program begins with. Its clock moves by `clock.advance()`.
HEAD = """
import asyncio, atexit, logging, os, sys, threading, warnings
from entra_tokens import ClientSecret, ManagedIdentity, TokenProvider
from entra_tokens.engine.engine import Engine, use_engine
from entra_tokens.testing import ManualClock

# Developers' mode has asyncio complain of each step that took 0.1 s: of the machine, not of us.
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))

clock = ManualClock()
use_engine(Engine(clock))
env = os.environ
if sys.argv[2] == "client_secret":
    credential = ClientSecret(env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"], env["AZURE_CLIENT_SECRET"], timeout=40)
else:
    credential = ManagedIdentity(timeout=40)
    from emulator.places import NoLine
    from entra_tokens.authority.managed_identity import gate
    gate._gates[env["AZURE_POD_IDENTITY_AUTHORITY_HOST"]] = NoLine()
provider = TokenProvider(credential, sys.argv[1])

def settle():
    for thread in threading.enumerate():
        if thread.name == "entra-tokens-flight":
            thread.join()

def in_child(job):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        job()
        status = 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        os._exit(status)

def well(pid):
    return os.waitpid(pid, 0)[1] == 0
"""


class Program:
    """A script that runs beside the test."""

    def __init__(self, e: Emulator, script: str, place: str = "client_secret") -> None:
        environ = {**os.environ, **e.environ(place), "PYTHONPATH": os.pathsep.join(sys.path)}  # noqa: TID251
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", HEAD + script, e.h2ogpte_scope, place],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def go(self) -> None:
        """Let its `input()` return."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ends_well(self) -> str:
        """What it printed; it ended with success, in time and without a word of complaint."""
        try:
            out, err = self.process.communicate(timeout=LONGEST)
        finally:
            self.process.kill()
            self.process.communicate()
        assert (self.process.returncode, err) == (0, ""), err
        return out


@pytest.fixture(params=["client_secret", "imds"])
def place(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
needs_descriptors = pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="descriptors cannot be counted here")


@needs_fork
def test_both_sides_of_a_fork_renew(e: Emulator, place: str) -> None:
    """No thread is left that would make the fork warn, and no connection that both would speak on."""
    program = Program(
        e,
        """
first = provider.token()
settle()
assert threading.active_count() == 1

def child():
    assert provider.token() == first
    clock.advance(3700)
    assert provider.token() != first
    assert asyncio.run(provider.as_async().token()) == provider.token()

children = [in_child(child) for _ in range(3)]
clock.advance(3700)
second = provider.token()
assert second != first
assert all(well(pid) for pid in children)
clock.advance(3700)
assert provider.token() not in (first, second)
print("renewed")
""",
        place,
    )
    assert program.ends_well() == "renewed\n"
    assert len(e.token_requests) == 1 + 3 + 2


@needs_fork
def test_a_fork_while_a_request_is_under_way(e: Emulator, place: str) -> None:
    """The parent's request lands in the parent, on its own connection; the child makes one of its own."""
    with e.hold("token" if place == "client_secret" else "imds") as gate:
        program = Program(
            e,
            """
found = []
thread = threading.Thread(target=lambda: found.append(provider.token()))
thread.start()
input()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the fork of a process with threads is what this is about

    def child():
        token = provider.token(timeout=30)
        clock.advance(3700)
        assert provider.token(timeout=30) != token

    pid = in_child(child)
assert well(pid)
thread.join()
clock.advance(3700)
assert provider.token() not in found
settle()
assert threading.active_count() == 1
print(len(found))
""",
            place,
        )
        until(gate.arrived.is_set, "the parent's request")
        program.go()
        until(lambda: gate.met == 2, "the child's request")
        gate.release()
        assert program.ends_well() == "1\n"
    assert len(e.token_requests) == 4


def test_three_loops_in_one_process_leave_nothing(e: Emulator, place: str) -> None:
    program = Program(
        e,
        """
import gc
tokens = set()
for _ in range(3):
    tokens.add(asyncio.run(provider.as_async().token()))
    clock.advance(3700)
settle()
print(len(tokens), threading.active_count())
del provider
gc.collect()
""",
        place,
    )
    assert program.ends_well() == "3 1\n"


@needs_descriptors
def test_200_renewals_leave_no_descriptor_and_no_thread(e: Emulator, place: str) -> None:
    program = Program(
        e,
        """
counts = set()
for number in range(200):
    provider.token()
    settle()
    if number >= 5:
        counts.add((len(os.listdir("/dev/fd")), threading.active_count()))
    clock.advance(3700)
print(provider.status().renewals, len(counts), *{threads for _, threads in counts})
""",
        place,
    )
    assert program.ends_well() == "200 1 1\n"


@needs_descriptors
@pytest.mark.parametrize("fault", ["reset", "html", "huge"])
def test_failed_attempts_leave_no_descriptor(e: Emulator, place: str, fault: str) -> None:
    e.fail("token" if place == "client_secret" else "imds", fault=fault)
    program = Program(
        e,
        """
from entra_tokens import AuthorityUnavailable
counts = set()
for number in range(20):
    try:
        provider.token()
    except AuthorityUnavailable:
        pass
    settle()
    if number >= 3:
        counts.add((len(os.listdir("/dev/fd")), threading.active_count()))
    clock.advance(3700)
print(provider.status().failures, len(counts))
""",
        place,
    )
    assert program.ends_well() == "20 1\n"


def test_a_process_ends_while_the_authority_hangs(e: Emulator, place: str) -> None:
    """Its background renewal does not keep it, and has nothing to complain of."""
    target = "token" if place == "client_secret" else "imds"
    program = Program(
        e,
        """
held = provider.token()
clock.advance(3000)
input()
assert provider.token() is held
input()
print("done")
""",
        place,
    )
    until(lambda: any(record.status for record in e.token_requests), "the first answer")
    with e.hold(target) as gate:
        program.go()
        until(gate.arrived.is_set, "the background request")
        program.go()
        assert program.ends_well() == "done\n"
        assert gate.met == 1


def test_a_token_can_be_had_when_the_interpreter_ends(e: Emulator, place: str) -> None:
    program = Program(e, "atexit.register(lambda: print(len(provider.token()) > 100))\n", place)
    assert program.ends_well() == "True\n"


@pytest.fixture
def resource_warnings() -> Iterator[list[warnings.WarningMessage]]:
    gc.collect()  # what others left
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield seen


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_what_is_dropped_unclosed_leaves_nothing(
    e: Emulator, clock: ImpatientClock, face: object, resource_warnings: list[warnings.WarningMessage]
) -> None:
    """A provider needs no close(): it holds no connection."""
    before = threading.active_count()
    scene = Scene(e, clock, face, client_secret(e))  # type: ignore[arg-type]
    scene.call()
    e.fail("token", status=503, times=1)
    scene.advance(3700)
    scene.error()
    settle()
    del scene
    gc.collect()
    assert [str(warning.message) for warning in resource_warnings] == []
    assert threading.active_count() <= before


def test_dropped_in_flight(
    e: Emulator,
    clock: ImpatientClock,
    resource_warnings: list[warnings.WarningMessage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A provider that nobody holds any more ends its request, and itself."""
    for name, value in e.environ("imds").items():
        monkeypatch.setenv(name, value)
    for credential, target in ((client_secret(e), "token"), (ManagedIdentity(), "imds")):
        provider = TokenProvider(credential, e.h2ogpte_scope)
        provider.token()
        e.advance(3000)
        with e.hold(target) as gate:
            provider.token()
            assert gate.arrived.wait(PATIENCE)
            del provider
            gc.collect()
            gate.release()
        settle()
    gc.collect()
    assert [str(warning.message) for warning in resource_warnings] == []
