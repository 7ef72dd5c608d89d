"""A transport that writes what is sent in one go of the event loop together.

uvicorn writes a response's head and its body apart: with TLS two records, two system calls, two wake-ups of the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

__all__ = ["Corked"]

_MOST = 65_536  # bytes that are held back; the transport's own flow control counts from there


class Corked:
    """Stands before a transport; all but writing goes through. It belongs to the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held += data
        if len(self._held) >= _MOST:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held = bytes(self._held), bytearray()
            if not self._transport.is_closing():
                self._transport.write(held)
