"""The keyword options that every credential of an authority shares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..record import Record
from .cloud import normalised_authority
from .proxy import resolved_proxy
from .verify import resolved_verify

if TYPE_CHECKING:
    import ssl

    from .token_proxy import TokenProxy
    from .verify import Verify

__all__ = ["AuthorityOptions", "checked_timeout"]


class AuthorityOptions(Record):
    """Where the authority is and how to get there, settled at construction.

    Args:
        authority: `https://host[:port]`.
        verify: Whom to trust.
        proxy: Through which proxy, None: straight.
        timeout: Seconds for a whole request.
        token_proxy: Who is asked in the authority's place, if anybody is.
    """

    authority: str
    verify: bool | str | ssl.SSLContext
    proxy: str | None
    timeout: float
    token_proxy: TokenProxy | None

    def __init__(
        self,
        authority: str,
        verify: bool | str | ssl.SSLContext,
        proxy: str | None,
        timeout: float,
        token_proxy: TokenProxy | None = None,
    ) -> None:
        self._set(authority=authority, verify=verify, proxy=proxy, timeout=timeout, token_proxy=token_proxy)

    @classmethod
    def settled(
        cls,
        authority: str | None,
        verify: Verify,
        proxy: str | None,
        timeout: float,
        token_proxy: TokenProxy | None = None,
    ) -> AuthorityOptions:
        """Settle what a user gave with what the environment says.

        Raises:
            ConfigurationError: One of them cannot be right.
        """
        host = normalised_authority(authority)
        through = resolved_proxy(proxy, host)
        return cls(host, resolved_verify(verify), through, checked_timeout(timeout), token_proxy)

    def keywords(self) -> dict[str, Any]:
        """What a credential's constructor takes for the same, whatever the environment says there."""
        return {"authority": self.authority, "verify": self.verify, "proxy": self.proxy or "", "timeout": self.timeout}

    def __repr__(self) -> str:
        return f"AuthorityOptions({self.authority!r})"


def checked_timeout(timeout: float) -> float:
    """Return the time limit, or raise ConfigurationError."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        raise ConfigurationError("timeout must be a number of seconds greater than zero.")
    return float(timeout)
