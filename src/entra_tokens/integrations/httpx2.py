"""EntraAuth for httpx2: the class of `entra_tokens.integrations.httpx`, which both libraries take.

>>> from entra_tokens.integrations.httpx2 import EntraAuth
>>> client = httpx2.Client(base_url="https://api.example.com", auth=EntraAuth(provider))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .extras import missing

try:
    import httpx2  # noqa: TC002 - to see whether it is there
except ModuleNotFoundError:
    raise missing("httpx2") from None

if TYPE_CHECKING:
    from ..provider import AsyncTokenProvider, TokenProvider
    from .rule import Hosts

    class EntraAuth(httpx2.Auth):
        """As checkers of httpx2's users must see it."""

        def __init__(self, provider: TokenProvider | AsyncTokenProvider, *, host: Hosts = None) -> None: ...

else:
    from .httpx import EntraAuth

__all__ = ["EntraAuth"]
