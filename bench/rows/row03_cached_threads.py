"""Row 3: a token that is held, asked for by eight threads as fast as they can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peers
from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Figure, Outcome, at_least
from service import token_service
from timing import Statement, rates, ratio

from entra_tokens.testing import fresh_engine
from rows.row01_cached_sync import floor

if TYPE_CHECKING:
    from settings import Settings

WORK = "8 threads, cached calls/s together"

_THREADS = 8


def measure(settings: Settings) -> Outcome:
    with token_service() as service, fresh_engine():
        facts = service.facts
        statements: dict[str, Statement] = {
            FLOOR: floor(),
            AZURE: ("held.get_token(scope)", {"held": peers.azure(facts), "scope": facts.scope}),
            MSAL: ("held.acquire_token_for_client(scopes)", {"held": peers.msal_app(facts), "scopes": [facts.scope]}),
            H2O: ("held.token()", {"held": peers.h2o(facts)}),
            OURS: ("held.token()", {"held": peers.our_provider(facts)}),
        }
        for text, names in statements.values():
            exec(text, names)
        found = rates(statements, threads=_THREADS, rounds=settings.pick(9, 3), sample=settings.pick(0.4, 0.05))
    figures = [Figure(peer, "", "k/s", tuple(value / 1000 for value in values)) for peer, values in found.items()]
    share = ratio(found[OURS], found[FLOOR])
    return Outcome(3, WORK, figures, [at_least("ours / floor ≥ 0.3", share, 0.3)])
