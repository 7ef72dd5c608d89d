from __future__ import annotations

from typing import TYPE_CHECKING

from ..kit import run_sample, sample_environ
from .test_h2o import server  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

    from ..kit import Stub

SAMPLE = "h2o_clients"


def test_the_sample_runs(emulator: Emulator, server: Stub) -> None:  # noqa: F811 - the fixture
    environ = {
        **sample_environ(emulator),
        "H2O_CLOUD_ENVIRONMENT": server.url,
        "ENTRA_TOKENS_SCOPE": "api://h2o-cloud/.default",
    }
    environ["AWS_CA_BUNDLE"] = environ["SSL_CERT_FILE"]  # Drive's storage client has its own list
    assert run_sample(SAMPLE, environ) == "sync:  0\nasync: ['notes.txt']\n"
