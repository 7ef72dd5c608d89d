"""Row 16: the cached token of one user among 10,000, and among 100,000, held in memory."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import threading
import time
from base64 import urlsafe_b64encode
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest import mock

from outcome import AZURE, H2O, MSAL, OURS, Figure, Outcome, at_most
from timing import Statement, microseconds, microseconds_in_loop

from entra_tokens import OnBehalfOf, Token, TokenProvider
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from settings import Settings

    from entra_tokens import TokenRequest

WORK = "10,000 / 100,000 users in memory: one cached call"

_SCOPE, _RESOURCE = "api://app/.default", "api://app"
_TENANT, _CLIENT, _HOST = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000c", "localhost"
_SIZE = 1800  # characters of a usual access token
_ASKED = 500  # users whose turn it is, one after the other, spread over all


def measure(settings: Settings) -> Outcome:
    few, many = settings.pick((10_000, 100_000), (1_000, 10_000))
    rounds, sample = settings.pick(15, 3), settings.pick(0.05, 0.01)
    found: dict[tuple[str, int], tuple[float, ...]] = {}
    megabytes = 0.0
    for users in (few, many):
        with fresh_engine() as engine:
            ours = _Users(users)
            found.update({(name, users): value for name, value in ours.timed(rounds, sample).items()})
            megabytes = ours.megabytes
            held = len(engine._memory or ())  # noqa: SLF001 - nothing else says how many
        gc.collect()
    azure = asyncio.run(_azure(few, settings.pick(5, 3), sample))
    msal = microseconds({"": _msal(few)}, rounds=rounds, sample=sample)[""]
    figures = [
        Figure(AZURE, f"{few:,} users, aio OnBehalfOfCredential, one cache", "µs", azure),
        Figure(MSAL, f"{few:,} users, acquire_token_silent(account)", "µs", msal),
        Figure(H2O, "knows no users"),
        *(Figure(OURS, f"{users:,} users, token()", "µs", found["held", users]) for users in (few, many)),
        *(Figure(OURS, f"{users:,} users, made for the call", "µs", found["made", users]) for users in (few, many)),
    ]
    flat = median(found["held", many]) / median(found["held", few])
    made = median(found["made", many]) / median(found["made", few])
    checks = [
        at_most(f"{many:,} users ≤ 1 µs", median(found["held", many]), 1, "µs"),
        at_most(f"flat: {many:,} / {few:,} ≤ 1.5", flat, 1.5),
        at_most("flat with a credential and a provider made for the call ≤ 1.5", made, 1.5),
    ]
    return Outcome(16, WORK, figures, checks, [f"{held:,} users held in {megabytes:.0f} MB, assertions included"])


class _Answered(OnBehalfOf):
    """A real credential in all but the request, of which 100,000 would take minutes."""

    def acquire(self, request: TokenRequest) -> Token:
        return Token(_text(), expires_on=time.time() + 86400, scopes=request.scopes)


class _Users:
    """So many users who have asked once, through providers that were made for the call."""

    def __init__(self, users: int) -> None:
        self._users = users
        before = _resident()
        with mock.patch.object(threading.Thread, "start", _no_thread):  # flights then run where they are wanted
            for number in range(self._users):
                self._provider(number).token()
        gc.collect()
        self.megabytes: float = _resident() - before

    def timed(self, rounds: int, sample: float) -> dict[str, tuple[float, ...]]:
        numbers = list(range(0, self._users, max(1, self._users // _ASKED)))
        held = [self._provider(number) for number in numbers]
        statements: dict[str, Statement] = {
            "held": ("next(users).token()", {"users": itertools.cycle(held)}),
            "made": ("made(next(numbers)).token()", {"made": self._provider, "numbers": itertools.cycle(numbers)}),
        }
        return microseconds(statements, rounds=rounds, sample=sample)

    def _provider(self, number: int) -> TokenProvider:
        assertion = f"{number:0{_SIZE}}"
        credential = _Answered(_TENANT, _CLIENT, "secret", assertion, authority=f"https://{_HOST}", proxy="")
        return TokenProvider(credential, _SCOPE)


async def _azure(users: int, rounds: int, sample: float) -> tuple[float, ...]:
    """Its credentials each keep a cache of their own unless they are given one, and search it from end to end."""
    from azure.identity.aio import OnBehalfOfCredential
    from msal import TokenCache

    cache = TokenCache()
    async with OnBehalfOfCredential(
        _TENANT, _CLIENT, client_secret="secret", user_assertion="user", authority=_HOST, cache=cache
    ) as credential:
        name = credential._client._get_cache_client_id()  # noqa: SLF001 - what it keeps this user's token under
        for number in range(users):
            _add(cache, number, name if number == users // 2 else f"{name}-{number}")
        statement = ("await held.get_token(scope)", {"held": credential, "scope": _SCOPE})
        return (await microseconds_in_loop({"": statement}, rounds=rounds, sample=sample))[""]


def _msal(users: int) -> Statement:
    import msal

    cache = msal.TokenCache()
    for number in range(users):
        _add(cache, number, _CLIENT)
    app = msal.ConfidentialClientApplication(
        _CLIENT,
        authority=f"https://{_HOST}/{_TENANT}",
        client_credential="secret",
        instance_discovery=False,
        token_cache=cache,
        http_client=_Discovery(),
    )
    account = app.get_accounts()[users // 2]
    assert app.acquire_token_silent([_SCOPE], account)
    return "app.acquire_token_silent(scopes, account)", {"app": app, "scopes": [_SCOPE], "account": account}


class _Discovery:
    """The one document that msal reads when it is made."""

    def get(self, url: str, **_: Any) -> Any:  # noqa: ARG002 - msal's interface
        endpoint = f"https://{_HOST}/{_TENANT}/oauth2/v2.0/"
        found = {"authorization_endpoint": f"{endpoint}authorize", "token_endpoint": f"{endpoint}token"}
        text = json.dumps({**found, "issuer": f"https://{_HOST}/{_TENANT}/v2.0"})
        return mock.Mock(status_code=200, text=text, headers={})

    def close(self) -> None:
        pass


def _add(cache: Any, number: int, client_id: str) -> None:
    info = urlsafe_b64encode(json.dumps({"uid": f"user-{number}", "utid": _TENANT}).encode()).decode()
    cache.add(
        {
            "client_id": client_id,
            "scope": [_SCOPE],
            "token_endpoint": f"https://{_HOST}/{_TENANT}/oauth2/v2.0/token",
            "response": {
                "access_token": _text(),
                "expires_in": 86400,
                "token_type": "Bearer",
                "client_info": info,
                "id_token_claims": {"preferred_username": f"user-{number}", "sub": f"user-{number}"},
            },
        }
    )


def _text() -> str:
    return os.urandom(_SIZE // 2).hex()


def _no_thread(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def _resident() -> float:
    """Megabytes, where /proc says it."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0
