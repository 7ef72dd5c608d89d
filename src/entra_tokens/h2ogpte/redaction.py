"""Keeps tokens out of the `websockets` loggers, which print every request header at DEBUG."""

from __future__ import annotations

import logging
import re

__all__ = ["redact_websocket_logs"]

HIDDEN = "<hidden>"

# A logger's filter does not see its children's records, so each logger that websockets writes to needs its own:
# `client` prints `> Authorization: …` for all three h2oGPTe clients, `server` prints what a server was sent.
_LOGGERS = (
    "websockets",
    "websockets.client",
    "websockets.protocol",
    "websockets.server",
    "websockets.sync.connection",
)

# `> Authorization: Bearer-AD TOKEN`, {'Authorization': 'Bearer-AD TOKEN'}, ('Authorization', 'Bearer-AD TOKEN') and
# b'authorization: …'; the scheme stays, since whoever debugs asks for it first.
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-csrf-token)(['\"]?\s*[:=,]\s*(?:b(?=['\"]))?['\"]?)"
    r"((?:basic|bearer(?:-\w+)?|token-bearer)\s+)?[^'\"\r\n]+"
)
_BARE = re.compile(r"(?i)\b(bearer(?:-\w+)?\s+)[^\s'\",;]{8,}")


class _Redacting(logging.Filter):
    """Lets every record through, without the credentials in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # malformed: logging reports that itself, where it is emitted
            return True
        clean = _BARE.sub(rf"\1{HIDDEN}", _HEADER.sub(rf"\1\2\3{HIDDEN}", text))
        if clean != text:
            record.msg, record.args = clean, ()
        return True


_filter = _Redacting()


def redact_websocket_logs() -> None:
    """Install the filter on every logger of `websockets`: those that it writes to, and any other that exists.

    Idempotent (a logger takes the same filter once). Any thread may call it.
    """
    existing = (name for name in list(logging.root.manager.loggerDict) if name.startswith("websockets."))
    for name in {*_LOGGERS, *existing}:
        logging.getLogger(name).addFilter(_filter)
