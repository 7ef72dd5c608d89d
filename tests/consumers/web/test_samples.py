"""Services around h2oGPTe, run as their servers run them."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from celery import Celery

from valkey_server import valkey

from ..kit import ROOT, sample_environ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

COLLECTION = "Emulated collection"
BIN = Path(sys.executable).parent


@pytest.fixture
def environ(emulator: Emulator) -> dict[str, str]:
    return {
        **sample_environ(emulator),
        "H2OGPTE_ADDRESS": emulator.h2ogpte_url,
        "ENTRA_TOKENS_SCOPE": emulator.h2ogpte_scope,
    }


@contextmanager
def running(command: list[str], environ: dict[str, str], ready: str, folder: Path) -> Iterator[re.Match[str]]:
    """A server as a process, and what it said when it was ready."""
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        cwd=folder,
    )
    said = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if match := re.search(ready, line):
                break
        else:
            raise AssertionError(said)
        yield match
    finally:
        process.terminate()
        process.communicate(timeout=60)


def get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as response:
        return str(response.read().decode())


def test_fastapi(environ: dict[str, str], tmp_path: Path) -> None:
    name = "fastapi_service"
    command = ["uvicorn", f"{name}:app", "--port", "0"]
    with running(command, environ, r"running on (http://\S+)", tmp_path) as match:
        for path in ("sync", "async"):
            assert get(f"{match[1]}/{path}") == f'["{COLLECTION}"]'
        assert get(f"{match[1]}/health") == '{"token":"fresh"}'


def test_gunicorn(environ: dict[str, str], emulator: Emulator, tmp_path: Path) -> None:
    name = "gunicorn_app"
    before = sum(record.grant == "client_credentials" for record in emulator.requests)
    command = ["gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:0", f"{name}:app"]
    with running(command, environ, r"Listening at: (http://\S+)", tmp_path) as match:
        for path in ("/", "/async") * 3:
            assert get(match[1] + path) == COLLECTION
    # The workers had it from the process that they were forked from.
    assert sum(record.grant == "client_credentials" for record in emulator.requests) - before == 1


def test_celery(environ: dict[str, str], tmp_path: Path) -> None:
    name = "celery_worker"
    with valkey() as port:
        broker = f"redis://127.0.0.1:{port}/0"
        environ["BROKER_URL"] = broker
        command = ["celery", "-A", name, "worker", "--concurrency", "2", "--loglevel", "INFO"]
        with running(command, environ, r"(\S+) ready\.", tmp_path), Celery(broker=broker, backend=broker) as client:
            for task in ("collections", "collections_async"):
                assert client.send_task(task).get(timeout=60) == [COLLECTION]


def test_functions(environ: dict[str, str], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host loads the file and calls the functions that it has."""
    import azure.functions as func

    name = "functions"
    wanted = ("H2OGPTE_ADDRESS", "ENTRA_TOKENS_SCOPE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    for variable, value in {**{each: environ[each] for each in wanted}, **emulator.environ("app_service")}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.syspath_prepend(str(ROOT / "samples"))
    app = __import__(name).app
    sync, asynchronous = (function.get_user_function() for function in app.get_functions())
    request = func.HttpRequest("GET", "/api/collections", body=b"")
    assert sync(request).get_body().decode() == f"GET sync:  {COLLECTION}"
    assert asyncio.run(asynchronous(request)).get_body().decode() == f"GET async: {COLLECTION}"
