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

_LIBRARIES = ("msal.", "azure.identity.", "azure.core.")
_ours: ContextVar[bool] = ContextVar("entra_tokens_quiet", default=False)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Run a library's credential for us: no secrets in its records, and no warnings about what we report ourselves."""
    # A logger's filter sees its own records alone, not those of the loggers below it.
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith(_LIBRARIES) and isinstance(logger, logging.Logger):
            logger.addFilter(_FILTER)  # a second time changes nothing
    reset = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(reset)


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get() and record.levelno >= logging.WARNING:
            return False
        if _ours.get():
            # An error's text repeats the message, and its frames' locals go wherever a handler sends them.
            record.exc_info = record.exc_text = None
        said = record.getMessage()
        shown = redact(said)
        if shown != " ".join(said.split()):
            record.msg, record.args = shown, ()
        return True


_FILTER = _Redacting()
