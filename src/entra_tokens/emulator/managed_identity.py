"""What the managed-identity hosts have in common."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.routing import Route

from .replies import fault_of, log_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from .directory import Identity
    from .tokens import IssuedToken
    from .world import World

__all__ = ["doubled", "form_of", "host_route", "issued", "opens", "selectors"]

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def host_route(
    path: str,
    endpoint: Callable[[Request], Awaitable[Response]],
    failure: Callable[[int], Response],
    *,
    expected: str,
    method: str = "GET",
) -> Route:
    """A host's only address.

    Args:
        endpoint: Answers, as long as nothing is wrong with the host.
        failure: What this host says with a status: for a switch that names no more than that, and for a wrong verb.
        expected: What a good request has, for the log of the others.
    """

    async def answered(request: Request) -> Response:
        fault = fault_of(request)
        if fault is not None and fault.status is not None:
            response = failure(fault.status)
            response.headers.update(fault.headers)
            return response
        response = await endpoint(request) if request.method == method else failure(405)
        # A challenge is part of a conversation that goes as it should.
        if response.status_code >= 300 and "www-authenticate" not in response.headers:
            log_answer(request, response, f"{method} with {expected}")
        return response

    return Route(path, answered, methods=_METHODS)


def opens(request: Request, header: str, secret: str) -> bool:
    """Whether the request carries this secret in this header."""
    return secrets.compare_digest(request.headers.get(header, "").encode(), secret.encode())


async def form_of(request: Request) -> dict[str, str]:
    """The fields of an urlencoded body."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def doubled(request: Request) -> str | None:
    """The name of a query parameter that is there twice; the hosts refuse that."""
    seen: set[str] = set()
    for name, _ in parse_qsl(request.url.query, keep_blank_values=True):
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None


def selectors(request: Request, names: dict[str, str]) -> dict[str, str]:
    """The identity selectors in the query, under the directory's names; what a host does not know it ignores.

    Args:
        names: This host's parameter names and what they mean.
    """
    return {meaning: request.query_params[name] for name, meaning in names.items() if name in request.query_params}


def issued(request: Request, world: World, resource: str, identity: Identity) -> IssuedToken:
    fault = fault_of(request)
    return world.issuer.for_identity(resource, identity, expired=fault is not None and fault.kind == "expired")
