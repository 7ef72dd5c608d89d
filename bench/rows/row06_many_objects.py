"""Row 6: ten objects made one after the other for one identity, as a web application does that makes one a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peers
from outcome import OURS, Figure, Outcome, exactly
from service import token_service

from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from settings import Settings

WORK = "10 credential objects, one identity: token requests"


def measure(_settings: Settings) -> Outcome:
    counts: dict[str, float] = {}
    with token_service() as service, fresh_engine():
        for peer, make in peers.SYNC.items():
            service.mark()
            for _ in range(10):
                make(service.facts)()
            counts[peer] = service.count()
    figures = [Figure(peer, "", "requests", (count,)) for peer, count in counts.items()]
    return Outcome(6, WORK, figures, [exactly("1", (counts[OURS],), 1)])
