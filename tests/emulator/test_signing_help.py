"""The process that helps to sign: its signatures are right, and whatever becomes of it every request is answered."""

from __future__ import annotations

import json
import sys
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from entra_tokens.emulator.signing_help import SigningHelp

from .test_shortcut import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.emulator import Emulator
    from entra_tokens.emulator.signing import SigningKey

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows' event loop reads no sockets of others")


@pytest.fixture
def help_(e: Emulator) -> SigningHelp:
    made = e._world.signing_help = SigningHelp(crowd=2)
    return made


@pytest.fixture
def line(e: Emulator) -> Iterator[Line]:
    made = Line(e)
    yield made
    made.close()


def ask_until_helped(line: Line, help_: SigningHelp) -> None:
    """A signature takes a millisecond, the process some tenths of a second until it is ready."""
    before = help_.helped
    for _ in range(20_000):
        verify(line, line.ask(line.request())[2])
        if help_.helped > before:
            return
    raise AssertionError("nobody helped")


def verify(line: Line, answer: bytes) -> None:

    token = json.loads(answer)["access_token"]
    claims = line.e._world.issuer.signer.verified(token, audience=line.e._world.directory.h2ogpte_id)
    assert claims["azp"] == line.e.client_id


def test_it_signs_in_a_crowd(e: Emulator, line: Line, help_: SigningHelp) -> None:
    ask_until_helped(line, help_)
    process = help_._process
    assert process is not None
    assert line.ask(line.request(client_secret="wrong"))[0] == 401
    e.stop()
    assert process.returncode == 0


class Slow(SigningHelp):
    """Takes one, and signs it when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: SimpleQueue[Callable[[bytes | None], None]] = SimpleQueue()
        self._taken = False

    def takes(self, key: SigningKey) -> bool:
        taken, self._taken = self._taken, True
        return not taken

    def sign(self, data: bytes, signed: Callable[[bytes | None], None]) -> None:
        self.asked.put(signed)


def test_what_comes_meanwhile_waits(e: Emulator, line: Line) -> None:
    slow = e._world.signing_help = Slow()
    line.send(line.request())
    signed = slow.asked.get(timeout=10)
    line.send(line.request(client_secret="wrong"))
    other = Line(e)
    assert other.ask(other.request())[0] == 200  # by when the request before it has been read, too
    other.close()
    e._live.loop.loop.call_soon_threadsafe(signed, None)
    status, _, answer = line.answer()
    verify(line, answer)
    assert (status, line.answer()[0]) == (200, 401)


def test_nobody_is_started_for_a_few(e: Emulator, line: Line) -> None:
    e._world.signing_help = SigningHelp(crowd=1000)
    for _ in range(20):
        verify(line, line.ask(line.request())[2])
    assert e._world.signing_help._process is None


def test_keys_are_rolled(e: Emulator, line: Line, help_: SigningHelp) -> None:
    ask_until_helped(line, help_)
    kid = e.roll_keys()
    ask_until_helped(line, help_)
    assert help_._key is not None
    assert help_._key.kid == kid


def test_it_is_killed(e: Emulator, line: Line, help_: SigningHelp) -> None:
    ask_until_helped(line, help_)
    process = help_._process
    assert process is not None
    process.kill()
    for _ in range(20):
        verify(line, line.ask(line.request())[2])
    assert help_._process is None
