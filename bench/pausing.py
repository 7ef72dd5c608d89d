"""What row 8 runs in a process of its own: ask for a token without pause, print the longest call."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import peers
from service import Facts, clean_environment
from timing import Pause, longest_pause, longest_pause_in_loop

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

# h2o-authn knows no refresh_in; these two make it renew every second, like the others here.
_EVERY_SECOND = {"expiry_threshold": timedelta(0), "minimal_refresh_period": timedelta(seconds=1)}


def main(who: str, seconds: float) -> None:
    clean_environment()
    facts = Facts.from_json(sys.stdin.read())
    if who.endswith("_aio"):
        worst = asyncio.run(_in_loop(who, facts, seconds))
    else:
        call = _calls()[who](facts)
        call()
        worst = longest_pause(call, seconds)
    print(json.dumps(worst))


def _calls() -> dict[str, Callable[[Facts], Callable[[], Any]]]:
    return {
        "floor": lambda _facts: lambda: None,
        "azure": peers.SYNC[peers.AZURE],
        "msal": peers.SYNC[peers.MSAL],
        "h2o": lambda facts: peers.h2o(facts, **_EVERY_SECOND).token,
        "ours": peers.SYNC[peers.OURS],
    }


async def _in_loop(who: str, facts: Facts, seconds: float) -> Pause:
    if who == "ours_aio":
        async with peers.our_provider(facts).as_async() as provider:
            await provider.token()
            return await longest_pause_in_loop(provider.token, seconds)
    async with peers.azure_aio(facts) as credential:
        await credential.get_token(facts.scope)
        # As if 30 s had passed since: from then on a caller meets one renewal.
        credential._last_request_time = 0  # noqa: SLF001 - there is no other way to move it
        return await longest_pause_in_loop(partial(credential.get_token, facts.scope), seconds)
