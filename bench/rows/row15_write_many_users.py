"""Row 15: one token is written into a cache on disk that already holds those of 10,000 users."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from disk import msal_cache, our_store, own_folder
from outcome import AZURE, H2O, MSAL, OURS, Figure, Outcome, at_most

from entra_tokens import TokenProvider
from entra_tokens.testing import ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from pathlib import Path

    from settings import Settings

WORK = "write one token with 10,000 users in the disk cache"

_TEXT = "x" * 1500  # a usual access token


def measure(settings: Settings) -> Outcome:
    users = settings.pick(10_000, 1_000)
    rounds = settings.pick(31, 11)
    with own_folder() as folder:
        empty = _ours(folder, 0, rounds)
        full = _ours(folder, users, rounds)
    with own_folder() as folder:
        theirs, size = _msal(folder, users, settings.pick(3, 1))
    figures = [
        Figure(AZURE, "msal's"),
        Figure(MSAL, f"{users} users", "ms", theirs, f"{size / 1e6:.0f} MB rewritten"),
        Figure(H2O, "no cache on disk"),
        Figure(OURS, "empty", "ms", empty),
        Figure(OURS, f"{users} users", "ms", full, "lock, seal, write, fsync, rename, fsync"),
    ]
    slower = figures[-1].median / figures[-2].median
    return Outcome(
        15,
        WORK,
        figures,
        [at_most("≤ 5 ms", figures[-1].median, 5, "ms"), at_most("flat: full / empty ≤ 1.5", slower, 1.5)],
    )


def _ours(folder: Path, users: int, rounds: int) -> tuple[float, ...]:
    """What going through the store costs a flight, above what it would cost without one."""
    store = our_store(folder)
    spent: list[float] = []
    with fresh_engine():
        for number in range(rounds):
            credential = ScriptedCredential(identity=("user", str(users), str(number)))
            credential.answer(lambda request, one=credential: one.issue(_TEXT, request))
            timed = _Timed(store)
            TokenProvider(credential, "api://app", store=timed).token()
            spent.append(timed.seconds * 1000)
            if number == 0:
                spent.clear()  # opens the folder, imports
                _copies(folder / "store" / "tokens", users)
    return tuple(spent)


class _Timed:
    """A store, and how long it took."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.seconds = 0.0

    def through(self, wanted: Any) -> Any:
        start = time.perf_counter()
        found = self._store.through(wanted)
        self.seconds = time.perf_counter() - start
        return found


def _copies(tokens: Path, users: int) -> None:
    """Files of other users: what is in them nobody reads."""
    first = next(tokens.iterdir())
    content, key_id = first.read_bytes(), first.name.partition("-")[0]
    for _ in range(users):
        (tokens / f"{key_id}-{os.urandom(32).hex()}").write_bytes(content)


def _msal(folder: Path, users: int, rounds: int) -> tuple[tuple[float, ...], int]:
    import msal

    memory = msal.SerializableTokenCache()
    for number in range(users):
        memory.add(_event(number))
    (folder / "msal.json").write_text(memory.serialize())
    cache = msal_cache(str(folder))
    spent = []
    for number in range(rounds):
        start = time.perf_counter()
        cache.add(_event(users + number))
        spent.append((time.perf_counter() - start) * 1000)
    return tuple(spent), (folder / "msal.json").stat().st_size


def _event(number: int) -> dict[str, Any]:
    import base64
    import json

    info = base64.urlsafe_b64encode(json.dumps({"uid": f"user-{number}", "utid": "t"}).encode()).decode()
    return {
        "client_id": "app",
        "scope": ["api://app/.default"],
        "token_endpoint": "https://localhost/t/oauth2/v2.0/token",
        "response": {
            "access_token": _TEXT,
            "refresh_token": _TEXT,
            "expires_in": 3600,
            "token_type": "Bearer",
            "client_info": info,
        },
    }
