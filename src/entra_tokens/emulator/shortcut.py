"""The short way for the request that comes most often: an application asks for a token, and nothing is in its way.

An HTTP parser and two frameworks cost more than half of what a signature does. Here a whole request that is as plain
as clients send it is answered from its bytes. Anything else - a fault, latency, a refusal, a chunked body, half a
request - goes the long way, which answers just the same.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .gateway import is_local_host
from .grants import answered
from .records import Record
from .refusals import Refusal
from .replies import token_answer
from .signing import base64url
from .token_call import TokenCall, form_of
from .token_endpoint import token_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .signing import SigningKey
    from .world import World

__all__ = ["Later", "token_shortcut"]

_UNUSUAL = frozenset({"transfer-encoding", "expect", "upgrade"})


# Stands where the signature of a 2048-bit key will; nobody knows it who could send it.
_BLANK = secrets.token_hex(171)


class Later:
    """An answer that waits for its signature. It belongs to the event loop."""

    def __init__(self, answer: bytes, unsigned: bytes, key: SigningKey) -> None:
        self._answer = answer
        self._unsigned = unsigned
        self._key = key
        self._whole: bytes | None = None
        self._callback: Callable[[bytes], None] | None = None

    def signed(self, signature: bytes | None) -> None:
        """Here it is. None: there is no help any more."""
        text = base64url(signature or self._key.signature(self._unsigned))
        self._whole = self._answer.replace(_BLANK.encode(), text.encode(), 1)
        if self._callback is not None:
            self._callback(self._whole)

    def when_whole(self, callback: Callable[[bytes], None]) -> None:
        """Give the answer to this, once."""
        self._callback = callback
        if self._whole is not None:
            callback(self._whole)


def token_shortcut(world: World) -> Callable[[bytes], bytes | Later | None]:
    """What answers such a request, given its bytes; None: it is not one."""

    def shortcut(data: bytes) -> bytes | Later | None:
        if not data.startswith(b"POST /") or world.latency or not world.faults.is_empty:
            return None
        head, _, body = data.partition(b"\r\n\r\n")
        path, headers = _parsed(head, len(body))
        tenant, version = token_path(path)
        if not version or not is_local_host(headers.get("host", "")):
            return None
        form = form_of(headers, body)
        # A refusal of this grant leaves no trace, so that the long way can find it again.
        if form.get("grant_type") != "client_credentials":
            return None
        record = Record(path, "POST", "token", world.clock.now(), form, headers, "client_credentials", 200)
        key = world.issuer.signer.key
        help_, unsigned = world.signing_help, b""
        is_helped = help_ is not None and help_.takes(key)

        def left_blank(claims: dict[str, Any]) -> str:
            nonlocal unsigned
            unsigned = key.unsigned(claims)
            return f"{unsigned.decode()}.{_BLANK}"

        call = TokenCall(world, form, tenant, version, headers.get("authorization", ""))
        if is_helped:
            call.sign = left_blank
        try:
            content = answered(call)
        except Refusal:
            return None
        world.log.add(record)
        fields, answer = token_answer(world, headers, content)
        lines = [b"HTTP/1.1 200 OK", *(name + b": " + value for name, value in fields), b"", answer]
        whole = b"\r\n".join(lines)
        if help_ is None or not is_helped:
            return whole
        later = Later(whole, unsigned, key)
        help_.sign(unsigned, later.signed)
        return later

    return shortcut


def _parsed(head: bytes, length: int) -> tuple[str, dict[str, str]]:
    """Path and headers of a plain request with a body of this length; an empty path: it is not plain."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    path, _, protocol = rest.partition(" ")
    if method != "POST" or protocol != "HTTP/1.1" or "%" in path or "?" in path:
        return "", {}
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name in headers or not _is_plain(name) or "\n" in value or "\r" in value or "\0" in value:
            return "", {}
        headers[name] = value.strip(" \t")
    if headers.get("content-length") != str(length):
        return "", {}
    if not _UNUSUAL.isdisjoint(headers) or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return "", {}
    return path, headers


def _is_plain(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii()
