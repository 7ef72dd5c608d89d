"""A process that helps to sign while many tokens are asked for at once.

An RS256 signature takes more of a processor than everything else about a token request, and Python signs on one core.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING

from .signing_process import LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from .signing import SigningKey

__all__ = ["SigningHelp"]

_AT_ONCE = 3  # signatures that it is given: enough that it never waits, few enough that nobody waits for it
_PROGRAM = "entra_tokens.emulator.signing_process"


class SigningHelp:
    """Starts the process in the first crowd, and ends it in `close()`. It belongs to the event loop.

    Args:
        crowd: How many requests within a second are one: for them starting a process is worth it.
    """

    def __init__(self, crowd: int = 100) -> None:
        self.helped: int = 0
        """Signatures that it made."""
        self._least = crowd
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._key: SigningKey | None = None
        self._ready = False
        self._asked: deque[Callable[[bytes | None], None]] = deque()
        self._read = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._second = 0.0
        self._crowd = 0

    def takes(self, key: SigningKey) -> bool:
        """Whether it would sign one more with this key. Being asked is also how it learns of a crowd."""
        if self._key is key:
            return self._ready and len(self._asked) < _AT_ONCE
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        if now - self._second > 1:
            self._second, self._crowd = now, 0
        self._crowd += 1
        if self._crowd >= self._least:
            self.close()
            self._start(key)
        return False

    def sign(self, data: bytes, signed: Callable[[bytes | None], None]) -> None:
        """Sign this; only after `takes`.

        Args:
            signed: Is given the signature, or None if there is no help any more.
        """
        self._asked.append(signed)
        self._send(data)

    def close(self) -> None:
        """End the process. Idempotent."""
        line, self._line = self._line, None
        process, self._process = self._process, None
        if line is not None:
            if self._loop is not None:
                with contextlib.suppress(NotImplementedError):
                    self._loop.remove_reader(line)
            line.close()  # which it takes as the word to leave
        self._key, self._ready, self._crowd = None, False, 0
        self._read.clear()
        waiting, self._asked = self._asked, deque()
        for signed in waiting:
            signed(None)
        if process is not None:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, key: SigningKey) -> None:
        self._key = key  # whatever comes of it: one try a key
        try:
            self._line, theirs = socket.socketpair()
            self._line.setblocking(False)
            with theirs:
                command = [sys.executable, "-m", _PROGRAM]
                self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())  # noqa: S603 - our own program
            asyncio.get_running_loop().add_reader(self._line, self._receive)
        except (OSError, NotImplementedError):  # nobody to help: Windows' loop reads no sockets of others
            self._gone()
            return
        self._send(key.private_pem())

    def _send(self, data: bytes) -> None:
        frame = LENGTH.pack(len(data)) + data
        try:
            if self._line is None or self._line.send(frame) != len(frame):
                raise BlockingIOError
        except OSError:
            self._gone()

    def _receive(self) -> None:
        try:
            content = self._line.recv(65_536) if self._line is not None else b""
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if not content:
            self._gone()
            return
        self._read += content
        while len(self._read) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._read)[0]
            if len(self._read) < end:
                return
            frame = bytes(self._read[LENGTH.size : end])
            del self._read[:end]
            if frame:
                self.helped += 1
                self._asked.popleft()(frame)
            self._ready = True

    def _gone(self) -> None:
        """It has ended, or never began: it is not tried again with this key."""
        key = self._key
        self.close()
        self._key = key
