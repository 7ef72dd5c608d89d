"""Row 11: the authority answers 429 with `Retry-After: 20` while the held token is good but due for renewal.

The first call is on the real clock for everybody. Whether ours keeps quiet for the 20 s is seen in two ways: for some
real seconds, and for the whole time on a clock that is moved by hand (`ManualClock`), second by second.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import peers
from outcome import AZURE, H2O, MSAL, OURS, Check, Figure, Outcome, at_most
from service import token_service
from timing import call_seconds

from entra_tokens.testing import ManualClock, fresh_engine
from rows.row09_outage import LIFE

if TYPE_CHECKING:
    from service import TokenService
    from settings import Settings

WORK = "429 with Retry-After: 20, token good for 59 more minutes: one call"

_RETRY_AFTER = 20
_DUE = 1.3


def measure(settings: Settings) -> Outcome:
    patience = settings.pick(65.0, 4.0)
    figures = [_peer(AZURE, patience), _peer(MSAL, patience), Figure(H2O, "never renews before the last 5 s")]
    seconds = settings.pick(18, 3)
    with token_service() as service:
        runs = [_ours(service, 0) for _ in range(settings.pick(4, 1))]
        runs.append(_ours(service, seconds))
    failed = sum(errors for _, errors, _ in runs)
    first = Figure(
        OURS, "", "ms", tuple(took * 1000 for took, _, _ in runs), f"{failed} calls fail" if failed else "old token"
    )
    real = runs[-1][2]
    with token_service() as service:
        early, late = _on_a_manual_clock(service)
    figures += [
        first,
        Figure(OURS, f"in {seconds} s of calls", "requests", (real,)),
        Figure(OURS, "in 20 s of a manual clock", "requests", (early,)),
        Figure(OURS, "when that clock shows 25 s", "requests", (late,)),
    ]
    return Outcome(
        11,
        WORK,
        figures,
        [
            Check("old token", "old token" if not failed else f"{failed} calls fail", not failed),
            at_most("≤ 1 ms", first.median, 1.0, "ms"),
            Check("no request before 20 s", f"{real + early - 2} more than the one refused", real == early == 1),
            Check("asked again after it", f"{late - early} requests", late > early),
        ],
    )


def _ours(service: TokenService, seconds: int) -> tuple[float, int, int]:
    """The first call's seconds; failures of it and of ten calls in each second after; requests since the refusal."""
    with fresh_engine():
        provider = peers.our_provider(service.facts)
        first, error = _throttled_call(service, provider.token)
        failed = int(error is not None)
        for _ in range(seconds * 10):
            time.sleep(0.1)
            failed += call_seconds(provider.token)[1] is not None
        return first, failed, service.count()


def _throttled_call(service: TokenService, call: Any) -> tuple[float, BaseException | None]:
    service.lives(LIFE, refresh_in=1)
    call()
    time.sleep(_DUE)
    _throttle(service)
    return call_seconds(call)


def _throttle(service: TokenService) -> None:
    service.mark()
    service.fail("token", status=429, headers={"Retry-After": str(_RETRY_AFTER)})


def _peer(peer: str, patience: float) -> Figure:
    """One call, watched for so long: azure-identity sleeps three times 20 s in it."""
    found: list[tuple[float, BaseException | None]] = []
    with token_service() as service:
        call = peers.SYNC[peer](service.facts)
        thread = threading.Thread(target=lambda: found.append(_throttled_call(service, call)), daemon=True)
        thread.start()
        thread.join(patience)
        requests = f"{service.count()} requests"
    if not found:
        return Figure(peer, "and still in the call", "s", (patience - _DUE,), requests)
    seconds, error = found[0]
    outcome = f"fails: {type(error).__name__}" if error else "old token"
    return Figure(peer, "", "s", (seconds,), f"{outcome}, {requests}")


def _on_a_manual_clock(service: TokenService) -> tuple[int, int]:
    """Requests while the clock shows up to 20 s after the refusal, and at 25 s (20 s and at most 20 % on top)."""
    clock = ManualClock(start=time.time())
    with fresh_engine(clock):
        provider = peers.our_provider(service.facts)
        service.lives(LIFE, refresh_in=1)
        provider.token()
        clock.advance(_DUE)
        _throttle(service)
        provider.token()
        _until(lambda: provider.status().failures == 1)
        for _ in range(_RETRY_AFTER - 1):
            clock.advance(1.0)
            provider.token()
            time.sleep(0.05)
        early = service.count()
        clock.advance(_RETRY_AFTER * 0.2 + 2.0)
        provider.token()
        _until(lambda: service.count() > early)
        return early, service.count()


def _until(true: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
