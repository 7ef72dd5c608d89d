"""Makes sure of what is used of the client and not published by it; docs/decisions.md lists it."""

from __future__ import annotations

from ..errors import ConfigurationError
from .client import version

__all__ = ["check"]


def check(owner: object, *names: str) -> None:
    """Make sure that the names are there.

    Raises:
        ConfigurationError: This version of h2ogpte lacks one.
    """
    for name in names:
        if not hasattr(owner, name):
            of = owner.__name__ if isinstance(owner, type) else type(owner).__name__
            raise ConfigurationError(
                f"h2ogpte {version()} has no {of}.{name}, on which connect() relies. It works with 1.6.58 to 1.7.5: "
                'pip install "h2ogpte==1.7.5". (H2OGPTE(token_provider=provider) works by itself, without the rule for '
                "401s.)"
            )
