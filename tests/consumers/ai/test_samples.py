from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..kit import as_json, run_sample, sample_environ, stub
from .test_openai import COMPLETION

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator


@pytest.mark.parametrize("name", ["openai_client", "langchain_openai_model", "litellm_completion"])
def test_a_sample_runs(name: str, emulator: Emulator) -> None:
    with stub(lambda _method, _path: as_json(COMPLETION)) as server:
        environ = {
            **sample_environ(emulator),
            "AZURE_OPENAI_ENDPOINT": server.url,
            "MODEL": "gpt",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches a list when it is imported
        }
        assert run_sample(name, environ) == "sync:  Yes.\nasync: Yes.\n"
        assert len(server.tokens) == 2
        assert all(token is not None and token.startswith("ey") for token in server.tokens)
