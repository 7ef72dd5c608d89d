"""The short way for the request that comes most often: an application asks for a token, and nothing is in its way.

An HTTP parser and two frameworks cost more than half of what a signature does. Here a whole request that is as plain
as clients send it is answered from its bytes. Anything else - a fault, latency, a refusal, a chunked body, half a
request - goes the long way, which answers just the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gateway import is_local_host
from .grants import answered
from .records import Record
from .refusals import Refusal
from .replies import token_answer
from .token_call import TokenCall, form_of
from .token_endpoint import token_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .world import World

__all__ = ["token_shortcut"]

_UNUSUAL = frozenset({"transfer-encoding", "expect", "upgrade"})


def token_shortcut(world: World) -> Callable[[bytes], bytes | None]:
    """What answers such a request, given its bytes; None: it is not one."""

    def shortcut(data: bytes) -> bytes | None:
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
        try:
            content = answered(TokenCall(world, form, tenant, version, headers.get("authorization", "")))
        except Refusal:
            return None
        world.log.add(record)
        fields, answer = token_answer(world, headers, content)
        lines = [b"HTTP/1.1 200 OK", *(name + b": " + value for name, value in fields), b"", answer]
        return b"\r\n".join(lines)

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
