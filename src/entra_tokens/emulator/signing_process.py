"""`python -m entra_tokens.emulator.signing_process`: signs what its parent sends, on a processor core of its own.

Frames go both ways, each after its length (four bytes, big endian). In come the private key (PEM), then what is to be
signed; out go an empty frame when it is ready, then the signatures in the same order. It ends when its stdin does.
"""

from __future__ import annotations

import os
import signal
import struct
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

__all__ = ["LENGTH", "main"]

LENGTH = struct.Struct(">I")
_PADDING, _SHA256 = padding.PKCS1v15(), hashes.SHA256()


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its parent's
    frames = _Frames()
    key = serialization.load_pem_private_key(frames.next(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        return 1
    frames.answer(b"")
    while data := frames.next():
        frames.answer(key.sign(data, _PADDING, _SHA256))
    return 0


class _Frames:
    def __init__(self) -> None:
        self._in, self._out = sys.stdin.buffer, sys.stdout.fileno()

    def next(self) -> bytes:
        """The next frame; empty: there will be no more."""
        head = self._in.read(LENGTH.size)
        return self._in.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else b""

    def answer(self, content: bytes) -> None:
        os.write(self._out, LENGTH.pack(len(content)) + content)


if __name__ == "__main__":
    sys.exit(main())
