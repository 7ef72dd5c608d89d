"""The real h2oGPTe clients on tokens that never run out.

>>> from entra_tokens import ManagedIdentity, TokenProvider
>>> from entra_tokens.h2ogpte import connect
>>> client = connect("https://h2ogpte.example.com", TokenProvider(ManagedIdentity(), "api://h2ogpte/.default"))

The package `h2ogpte` itself, which takes seconds to import, is loaded by the first `connect()`. Importing this one
keeps Authorization headers out of what `websockets` logs at DEBUG (`redaction.py`).
"""

from __future__ import annotations

from .connecting import connect, connect_async
from .live import live_azure_token, live_azure_token_async
from .redaction import redact_websocket_logs
from .shared import AsyncSharedClient, SharedClient

__all__ = [
    "AsyncSharedClient",
    "SharedClient",
    "connect",
    "connect_async",
    "live_azure_token",
    "live_azure_token_async",
]

redact_websocket_logs()
