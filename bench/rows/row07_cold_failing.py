"""Row 7: 64 threads that find nothing held while the authority answers 500."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import peers
from outcome import OURS, Check, Figure, Outcome, at_most
from service import token_service
from storm import in_threads

from entra_tokens.testing import fresh_engine
from rows.row04_cold_threads import CALLERS, LATENCY

if TYPE_CHECKING:
    from settings import Settings

WORK = "64 cold callers, authority failing: token requests"


def measure(_settings: Settings) -> Outcome:
    figures = []
    with token_service(LATENCY) as service:
        service.fail("token", status=500)
        for peer, make in peers.SYNC.items():
            service.mark()
            with fresh_engine():
                errors = in_threads([make(service.facts)] * CALLERS)
            equal = _are_equal(errors)
            note = "an equal error for each" if equal else f"{len(set(map(_told, errors)))} different errors"
            figures.append(Figure(peer, "", "requests", (service.count(),), note))
            if peer == OURS:
                ours, own = service.count(), equal and len(set(map(id, errors))) == CALLERS
    return Outcome(
        7,
        WORK,
        figures,
        [
            at_most("≤ 2 requests", ours, 2, "requests"),
            Check("an equal error of its own for each caller", "yes" if own else "no", own),
        ],
    )


def _are_equal(errors: list[Any]) -> bool:
    failed = all(isinstance(error, BaseException) for error in errors)
    return failed and len(errors) == CALLERS and len(set(map(_told, errors))) == 1


def _told(error: Any) -> tuple[str, str]:
    return type(error).__name__, str(error)
