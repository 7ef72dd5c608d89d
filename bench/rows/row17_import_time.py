"""Row 17: what an import costs: a fresh interpreter that does it, less one that does nothing."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import fresh
from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Figure, Outcome, at_most

if TYPE_CHECKING:
    from settings import Settings

WORK = "import"

_IMPORTS = {
    "import azure.identity": AZURE,
    "import azure.identity.aio": AZURE,
    "import msal": MSAL,
    "import h2o_authn": H2O,
    "import entra_tokens": OURS,
    "from entra_tokens import TokenProvider, ManagedIdentity": OURS,
}


def measure(settings: Settings) -> Outcome:
    found = fresh.in_turns({"pass": "pass", **{code: code for code in _IMPORTS}}, rounds=settings.pick(15, 4))
    bare = found["pass"]
    own = {code: tuple((a - b) * 1000 for a, b in zip(found[code], bare, strict=True)) for code in _IMPORTS}
    figures = [Figure(FLOOR, "bare interpreter", "ms", tuple(value * 1000 for value in bare))]
    figures += [Figure(peer, code, "ms", own[code]) for code, peer in _IMPORTS.items()]
    check = at_most("import entra_tokens ≤ 15 ms", median(own["import entra_tokens"]), 15, "ms")
    notes = ["names of entra_tokens load when they are first used: what a program then pays is the other figure"]
    return Outcome(17, WORK, figures, [check], notes)
