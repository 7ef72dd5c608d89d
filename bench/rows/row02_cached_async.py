"""Row 2: a token that is held, awaited again and again by one coroutine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import peers
from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Figure, Outcome, at_most
from service import token_service
from timing import Statement, microseconds_in_loop, ratio

from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from service import Facts
    from settings import Settings

WORK = "cached token, async"


def measure(settings: Settings) -> Outcome:
    with token_service() as service, fresh_engine():
        found = asyncio.run(_measured(service.facts, settings))
    figures = [
        Figure(FLOOR, "await of an empty coroutine function", "µs", found["empty"]),
        Figure(AZURE, "aio ClientSecretCredential.get_token", "µs", found["azure"]),
        Figure(MSAL, peers.NO_ASYNC),
        Figure(H2O, "token()", "µs", found["h2o"]),
        Figure(OURS, "token()", "µs", found["token"]),
        Figure(OURS, "get_token(scope)", "µs", found["get_token"]),
    ]
    faster = ratio(found["azure"], found["get_token"])
    return Outcome(
        2,
        WORK,
        figures,
        [at_most("token() / h2o-authn ≤ 0.6", ratio(found["token"], found["h2o"]), 0.6)],
        [f"azure-identity / get_token(scope) {faster:.0f}"],
    )


async def _measured(facts: Facts, settings: Settings) -> dict[str, tuple[float, ...]]:
    async def empty() -> None:
        return None

    scope = facts.scope
    async with peers.azure_aio(facts) as azure, peers.our_provider(facts).as_async() as ours:
        h2o = peers.h2o_aio(facts)
        await azure.get_token(scope)
        await h2o.token()
        await ours.get_token(scope)
        statements: dict[str, Statement] = {
            "empty": ("await empty()", {"empty": empty}),
            "azure": ("await held.get_token(scope)", {"held": azure, "scope": scope}),
            "h2o": ("await held.token()", {"held": h2o}),
            "token": ("await held.token()", {"held": ours}),
            "get_token": ("await held.get_token(scope)", {"held": ours, "scope": scope}),
        }
        return await microseconds_in_loop(statements, rounds=settings.pick(15, 5), sample=settings.pick(0.08, 0.01))
