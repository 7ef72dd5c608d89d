"""Row 9: the authority answers 503 while the held token, which is due for renewal, is good for 59 more minutes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import peers
from outcome import AZURE, H2O, MSAL, OURS, Check, Figure, Outcome, at_most
from service import token_service
from timing import call_seconds

from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service import Facts, TokenService
    from settings import Settings

WORK = "authority answers 503, token good for 59 more minutes: one call"

LIFE = 3540
# Over refresh_in (1 s) and its spread of 10 %.
_DUE = 1.3


def measure(settings: Settings) -> Outcome:
    with token_service() as service:
        figures = [
            figure_of(peer, *renewal_fails(service, peers.SYNC[peer](service.facts), LIFE)) for peer in (AZURE, MSAL)
        ]
        figures.append(_azure_aio(service))
        ours = [_ours(service, settings.pick(3.0, 0.5)) for _ in range(settings.pick(5, 2))]
    figures.append(Figure(H2O, "never renews before the last 5 s"))
    failed = sum(len(run["errors"]) for run in ours)
    calls = sum(run["calls"] for run in ours)
    first = Figure(OURS, "first call", "ms", tuple(run["first"] * 1000 for run in ours), f"{failed} of {calls} fail")
    figures += [
        first,
        Figure(OURS, "longest call of the seconds after", "ms", tuple(run["longest"] * 1000 for run in ours)),
    ]
    return Outcome(
        9,
        WORK,
        figures,
        [
            Check("never fails", f"{failed} of {calls} calls", failed == 0),
            at_most("≤ 1 ms", first.median, 1.0, "ms"),
        ],
    )


def renewal_fails(
    service: TokenService, call: Callable[[], Any], life: int, status: int = 503
) -> tuple[float, BaseException | None]:
    """Get a token that lives so long and is soon due, break the authority, and call once more."""
    service.lives(life, refresh_in=1)
    call()
    time.sleep(_DUE)
    service.fail("token", status=status)
    return call_seconds(call)


def figure_of(peer: str, seconds: float, error: BaseException | None, what: str = "") -> Figure:
    note = f"fails: {type(error).__name__}" if error is not None else "old token"
    return Figure(peer, what, "s", (seconds,), note)


def _ours(service: TokenService, seconds: float) -> dict[str, Any]:
    with fresh_engine():
        provider = peers.our_provider(service.facts)
        first, error = renewal_fails(service, provider.token, LIFE)
        errors = [error] if error else []
        longest, calls, end = 0.0, 1, time.monotonic() + seconds
        while time.monotonic() < end:
            took, error = call_seconds(provider.token)
            longest, calls = max(longest, took), calls + 1
            errors += [error] if error else []
            time.sleep(0.002)
    return {"first": first, "longest": longest, "calls": calls, "errors": errors}


def _azure_aio(service: TokenService) -> Figure:
    async def once(facts: Facts) -> tuple[float, BaseException | None]:
        async with peers.azure_aio(facts) as credential:
            service.lives(LIFE, refresh_in=1)
            await credential.get_token(facts.scope)
            await asyncio.sleep(_DUE)
            credential._last_request_time = 0  # noqa: SLF001 - as if 30 s had passed: it asks no sooner
            service.fail("token", status=503)
            return await _timed(credential.get_token(facts.scope))

    return figure_of(AZURE, *asyncio.run(once(service.facts)), what="aio")


async def _timed(call: Awaitable[Any]) -> tuple[float, BaseException | None]:
    start = time.perf_counter()
    try:
        await call
    except Exception as error:  # that it fails is what is measured
        return time.perf_counter() - start, error
    return time.perf_counter() - start, None
