"""Row 14: a process is killed while it holds the lock of the cache on disk; how long the next writer takes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from disk import msal_cache, our_store, own_folder
from outcome import AZURE, H2O, MSAL, OURS, Figure, Outcome, at_most
from timing import call_seconds

from entra_tokens import TokenProvider
from entra_tokens.testing import ScriptedCredential, fresh_engine

if TYPE_CHECKING:
    from settings import Settings

WORK = "stale lock left by kill -9: the next process's acquisition and write"

_OURS = """
from entra_tokens import FileStore, TokenProvider
from entra_tokens.testing import ScriptedCredential
def die(request):
    os.kill(os.getpid(), signal.SIGKILL)
TokenProvider(ScriptedCredential(die, identity=("app",)), "api://app", store=FileStore(f"{folder}/store")).token()
"""
_MSAL = """
from msal_extensions import CrossPlatLock
with CrossPlatLock(f"{folder}/msal.json.lockfile"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
_START = "import os, signal\nfolder = os.environ['BENCH_FOLDER']\n"


def measure(settings: Settings) -> Outcome:
    ours: list[float] = []
    with own_folder() as folder:
        for _ in range(settings.pick(9, 3)):
            _killed(_OURS)
            with fresh_engine():
                provider = TokenProvider(
                    ScriptedCredential(identity=("app",), lifetime=1.0), "api://app", store=our_store(folder)
                )
                ours.append(call_seconds(provider.token)[0] * 1000)
            time.sleep(1.1)  # it has expired: the next one asks again
    with own_folder() as folder:
        _killed(_MSAL)
        cache = msal_cache(str(folder))
        took, error = call_seconds(lambda: cache.add(_event()))
    figures = [
        Figure(AZURE, "msal's"),
        Figure(MSAL, "the first writer", "ms", (took * 1000,), f"{type(error).__name__}, token lost" if error else ""),
        Figure(H2O, "no cache on disk"),
        Figure(OURS, "", "ms", tuple(ours)),
    ]
    return Outcome(14, WORK, figures, [at_most("< 50 ms", max(ours), 50, "ms")])


def _killed(code: str) -> None:
    status = subprocess.run([sys.executable, "-c", _START + code], timeout=60).returncode
    if status != -signal.SIGKILL:
        raise RuntimeError(f"the holder was to be killed, and ended with {status}")


def _event() -> dict[str, object]:
    body = {"access_token": "x" * 1500, "expires_in": 3600, "token_type": "Bearer"}
    return {
        "client_id": "app",
        "scope": ["s"],
        "token_endpoint": "https://localhost/t/oauth2/v2.0/token",
        "response": body,
    }
