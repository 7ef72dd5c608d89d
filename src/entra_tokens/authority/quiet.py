"""Keeps secrets out of the log records of the libraries under us.

On our own way to an authority msal sees neither code nor token, so there is nothing that it could log. Where its own
machinery or azure-identity's runs for us, what they log at DEBUG (msal: the device code; azure-identity: the output of
a command that it could not read) is redacted at the logger.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from .redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quiet_libraries"]

_LOGGERS = (
    "msal.application",
    "msal.token_cache",
    "msal.managed_identity",
    "msal.oauth2cli.oauth2",
    "msal.oauth2cli.authcode",
    "azure.identity._internal.decorators",
    "azure.identity._credentials.azure_cli",
)
_ours: ContextVar[bool] = ContextVar("entra_tokens_quiet", default=False)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Run a library's credential for us: no secrets in its records, and no warnings about what we report ourselves."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)  # a second time changes nothing
    reset = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(reset)


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get() and record.levelno >= logging.WARNING:
            return False
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            # Its text repeats the message, and its frames' locals go wherever a handler sends them.
            record.exc_info = record.exc_text = None
        return True


_FILTER = _Redacting()
