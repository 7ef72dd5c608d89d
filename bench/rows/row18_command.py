"""Row 18: the command prints a token that is stored; whole process, as programs and prompts run it again and again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from disk import own_folder
from outcome import FLOOR, OURS, Figure, Outcome, at_least, at_most
from service import token_service
from timing import ratio

if TYPE_CHECKING:
    from service import Facts
    from settings import Settings

WORK = "command prints a cached token (whole process)"

_AZ = ["az", "account", "get-access-token"]
# A keyring whose backend is a file: what the package `keyring` itself costs, without a daemon's answer.
_KEYRING = """
import os
from keyring.backend import KeyringBackend

class Backend(KeyringBackend):
    priority = 5
    file = os.path.join(os.path.dirname(__file__), "kept")

    def get_password(self, service, username):
        try:
            with open(self.file) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def set_password(self, service, username, password):
        with open(self.file, "w") as file:
            file.write(password)
"""


def measure(settings: Settings) -> Outcome:
    script = Path(sys.executable).with_name("entra-tokens")
    ours = [str(script), "token"] if script.is_file() else [sys.executable, "-m", "entra_tokens", "token"]
    commands = {FLOOR: [sys.executable, "-c", "pass"], "key file": ours, "keyring": ours}
    if shutil.which("az"):
        commands["az"] = _AZ
    with token_service() as service, own_folder() as folder:
        environs = {name: _environ(name, folder, service.facts) for name in commands}
        found: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(settings.pick(15, 4) + 1):  # the first round asks for the token, and compiles
            for name, command in commands.items():
                start = time.perf_counter()
                done = subprocess.run(command, env=environs[name], capture_output=True, timeout=120)
                if number:
                    found[name].append(time.perf_counter() - start)
                if name in ("key file", "keyring") and (done.returncode or not done.stdout):
                    raise RuntimeError(f"{name}: {done.stderr.decode()[-500:]}")
    figures = [Figure(FLOOR, "bare interpreter", "ms", _ms(found[FLOOR]))]
    figures += [
        Figure(OURS, f"key in a {name.split()[-1]}", "ms", _ms(found[name])) for name in ("key file", "keyring")
    ]
    checks = [
        at_most("≤ 100 ms with the key file", median(_ms(found["key file"])), 100, "ms"),
        at_most("≤ 200 ms with a keyring", median(_ms(found["keyring"])), 200, "ms"),
    ]
    notes = ["of an application with a secret; a keyring with a backend in a file, so without a daemon's own time"]
    if "az" in found:
        figures.append(Figure("az", " ".join(_AZ), "ms", _ms(found["az"])))
        checks.append(at_least("az / ours ≥ 8", ratio(found["az"], found["key file"]), 8))
        notes.append("az: until it prints its token, or says that nobody is signed in, which is the least that it does")
    else:
        figures.append(Figure("az", "is not on PATH here"))
    return Outcome(18, WORK, figures, checks, notes)


def _environ(name: str, folder: Path, facts: Facts) -> dict[str, str]:
    home = folder / name.replace(" ", "-")
    home.mkdir()
    environ = {
        **os.environ,
        "ENTRA_TOKENS_HOME": str(home),
        "ENTRA_TOKENS_CREDENTIAL": "client-secret",
        "ENTRA_TOKENS_SCOPE": facts.scope,
        "AZURE_AUTHORITY_HOST": facts.authority,
        "AZURE_TENANT_ID": facts.tenant_id,
        "AZURE_CLIENT_ID": facts.client_id,
        "AZURE_CLIENT_SECRET": facts.client_secret,
        "SSL_CERT_FILE": facts.ca_file,
        # Compiled once, as an installed package is.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    if name == "az":
        environ["AZURE_CORE_COLLECT_TELEMETRY"] = "no"  # by a process that would slow the next one
    if name == "keyring":
        (home / "bench_keyring.py").write_text(_KEYRING)
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH", "")]))
        environ["PYTHON_KEYRING_BACKEND"] = "bench_keyring.Backend"
    return environ


def _ms(seconds: list[float]) -> tuple[float, ...]:
    return tuple(value * 1000 for value in seconds)
