"""Row 22: a whole process that starts, gets one managed-identity token and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fresh
from first_token import PROGRAMS
from outcome import AZURE, FLOOR, H2O, OURS, Figure, Outcome, at_least
from service import token_service
from timing import ratio

if TYPE_CHECKING:
    from settings import Settings

WORK = "process start to first managed-identity token (whole process)"


def measure(settings: Settings) -> Outcome:
    with token_service() as service:
        facts = service.facts
        programs = {peer: code.format(scope=facts.scope, resource=facts.resource) for peer, code in PROGRAMS.items()}
        rounds = settings.pick(15, 4)
        found = fresh.in_turns({FLOOR: "pass", **programs}, rounds=rounds, environ=facts.managed_identity)
    figures = [
        Figure(peer, "bare interpreter" if peer == FLOOR else "", "ms", tuple(value * 1000 for value in values))
        for peer, values in found.items()
    ]
    figures.append(Figure(H2O, "knows no managed identity"))
    faster = ratio(found[AZURE], found[OURS])
    return Outcome(22, WORK, figures, [at_least("azure-identity / ours ≥ 2.5", faster, 2.5)])
