"""Sealing: AES-256-GCM, bound to what the content is about.

    at byte  0    3        4       12     24
             ETS  version  key id  nonce  ciphertext and its 16-byte tag

The associated data is the header up to the nonce and the keyed hash of the entry's key, which is also its name: what is
sealed under one name opens under no other. The nonce is random: at 2^32 entries under one key the odds that any two
nonces are equal are 2^-33 (NIST SP 800-38D §8.3).
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_BYTES", "VERSION", "Seal", "Unreadable"]

KEY_BYTES = 32
VERSION = 1
_MAGIC = b"ETS" + bytes([VERSION])
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 8, 12, 16
_HEADER_BYTES = len(_MAGIC) + _ID_BYTES


class Unreadable(Exception):
    """The bytes are not what was sealed under this name: corrupt, truncated, of another version, key or place."""


class Seal:
    """One key's seal. Any thread may call anything.

    Args:
        key: 32 random bytes. What is used is derived from them, each part for one purpose.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a sealing key has 32 bytes")
        self._id = _derived(key, b"id")[:_ID_BYTES]
        self.id: str = self._id.hex()
        self.digest_key: bytes = _derived(key, b"digest")
        self._naming_key = _derived(key, b"name")
        self._sealing_key = _derived(key, b"seal")

    def name(self, key: tuple[object, ...]) -> str:
        """The name of an entry's key: the same for the same key, and tells nothing about it."""
        text = json.dumps(key, separators=(",", ":"))
        return blake2b(text.encode(), key=self._naming_key, digest_size=32).hexdigest()

    def seal(self, name: str, content: bytes) -> bytes:
        """Seal what stands under this name."""
        header, nonce = _MAGIC + self._id, os.urandom(_NONCE_BYTES)
        return header + nonce + self._cipher().encrypt(nonce, content, header + bytes.fromhex(name))

    def open(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under this name.

        Raises:
            Unreadable: This is not it.
        """
        from cryptography.exceptions import InvalidTag

        header, nonce, rest = (
            sealed[:_HEADER_BYTES],
            sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES],
            sealed[_HEADER_BYTES + _NONCE_BYTES :],
        )
        if header != _MAGIC + self._id or len(rest) < _TAG_BYTES:
            raise Unreadable
        try:
            return bytes(self._cipher().decrypt(nonce, rest, header + bytes.fromhex(name)))
        except InvalidTag:
            raise Unreadable from None

    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._sealing_key)

    def __repr__(self) -> str:
        return f"<seal {self.id}>"


def _derived(key: bytes, purpose: bytes) -> bytes:
    return blake2b(key=key, person=purpose, digest_size=KEY_BYTES).digest()
