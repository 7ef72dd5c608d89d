"""What the managed-identity hosts have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from .replies import fault_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from .directory import Identity
    from .tokens import IssuedToken
    from .world import World

__all__ = ["doubled", "issued", "selectors"]


def doubled(request: Request) -> str | None:
    """The name of a query parameter that is there twice; the hosts refuse that."""
    seen: set[str] = set()
    for name, _ in parse_qsl(request.url.query, keep_blank_values=True):
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None


def selectors(request: Request, names: dict[str, str]) -> dict[str, str]:
    """The identity selectors in the query, under the directory's names.

    Args:
        names: This host's parameter names and what they mean.
    """
    return {meaning: request.query_params[name] for name, meaning in names.items() if name in request.query_params}


def issued(request: Request, world: World, resource: str, identity: Identity) -> IssuedToken:
    fault = fault_of(request)
    return world.issuer.for_identity(resource, identity, expired=fault is not None and fault.kind == "expired")
