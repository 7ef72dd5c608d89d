"""Row 1: a token that is held, asked for again by one thread."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from unittest import mock

import peers
from outcome import AZURE, FLOOR, H2O, MSAL, OURS, Figure, Outcome, at_least, at_most
from service import token_service
from timing import Statement, microseconds, ratio

from entra_tokens.engine.clock import SYSTEM_CLOCK
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from service import Facts
    from settings import Settings

WORK = "cached token, sync"

FLOOR_STATEMENT = "floor"
_LEAST_METHOD = "least method"
_BOTH_CLOCKS = "both clocks"


class _Least:
    """The least that a method can do which knows when its token ends: one clock, one comparison."""

    __slots__ = ("clock", "held", "until")

    def __init__(self) -> None:
        self.clock, self.until, self.held = time.time, time.time() + 86400, "token"

    def token(self) -> str | None:
        if self.clock() < self.until:
            return self.held
        return None


def floor() -> Statement:
    """One clock read and one comparison, no call of anything else."""
    return "time.time() < until", {"time": time, "until": time.time() + 86400}


def measure(settings: Settings) -> Outcome:
    # azure-identity reads the variable when it first asks, ours when it is made.
    with token_service() as service, fresh_engine(), mock.patch.dict(os.environ, service.facts.managed_identity):
        statements = _statements(service.facts)
        for text, names in statements.values():
            exec(text, names)
        found = microseconds(statements, rounds=settings.pick(15, 5), sample=settings.pick(0.08, 0.01))
    labels = {
        FLOOR_STATEMENT: (FLOOR, "`time.time() < until`"),
        _LEAST_METHOD: (FLOOR, "the same inside a method"),
        _BOTH_CLOCKS: (FLOOR, "the two clock reads of token(), and nothing else"),
        "azure": (AZURE, "ClientSecretCredential.get_token"),
        "azure mi": (AZURE, "ManagedIdentityCredential.get_token"),
        "msal": (MSAL, "acquire_token_for_client"),
        "h2o": (H2O, "token()"),
        "token": (OURS, "token()"),
        "get_token": (OURS, "get_token(scope)"),
        "get_token mi": (OURS, "get_token(scope), ManagedIdentity"),
    }
    figures = [Figure(peer, what, "µs", found[name]) for name, (peer, what) in labels.items()]
    to_h2o, to_floor = ratio(found["token"], found["h2o"]), ratio(found["token"], found[FLOOR_STATEMENT])
    faster = ratio(found["azure"], found["get_token"])
    clocks = ratio(found[_BOTH_CLOCKS], found[FLOOR_STATEMENT])
    faster_mi = ratio(found["azure mi"], found["get_token mi"])
    return Outcome(
        1,
        WORK,
        figures,
        [
            at_most("token() / h2o-authn ≤ 0.45", to_h2o, 0.45),
            at_most("token() / floor ≤ 2.5", to_floor, 2.5),
            at_least("azure-identity / get_token(scope) ≥ 50", faster, 50),
        ],
        [
            f"managed identity: azure-identity / get_token(scope) {faster_mi:.0f}",
            f"of token() / floor, the two clock reads by themselves are {clocks:.2f}",
        ],
    )


def _statements(facts: Facts) -> dict[str, Statement]:
    from azure.identity import ManagedIdentityCredential

    from entra_tokens import ManagedIdentity, TokenProvider

    ours_mi = TokenProvider(ManagedIdentity(), facts.scope)
    scope, ours = facts.scope, peers.our_provider(facts)
    app, scopes = peers.msal_app(facts), [scope]
    return {
        FLOOR_STATEMENT: floor(),
        _LEAST_METHOD: ("held.token()", {"held": _Least()}),
        _BOTH_CLOCKS: ("wall(); boot()", {"wall": SYSTEM_CLOCK.wall, "boot": SYSTEM_CLOCK.boot}),
        "azure": ("held.get_token(scope)", {"held": peers.azure(facts), "scope": scope}),
        "azure mi": ("held.get_token(scope)", {"held": ManagedIdentityCredential(), "scope": scope}),
        "msal": ("held.acquire_token_for_client(scopes)", {"held": app, "scopes": scopes}),
        "h2o": ("held.token()", {"held": peers.h2o(facts)}),
        "token": ("held.token()", {"held": ours}),
        "get_token": ("held.get_token(scope)", {"held": ours, "scope": scope}),
        "get_token mi": ("held.get_token(scope)", {"held": ours_mi, "scope": scope}),
    }
