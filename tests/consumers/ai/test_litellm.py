"""litellm takes a synchronous provider only; its asynchronous call runs it on a thread."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from ..conftest import LIFE
from ..kit import as_json, stub
from .test_openai import ASKED, COMPLETION

if TYPE_CHECKING:
    from entra_tokens import TokenProvider
    from entra_tokens.testing import ManualClock


def test_litellm(provider: TokenProvider, clock: ManualClock) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # noqa: TID251 - else it fetches a list when it is imported
    import litellm

    litellm.telemetry = False
    with stub(lambda _method, _path: as_json(COMPLETION)) as server:
        options: dict[str, Any] = {
            "model": "azure/gpt",
            "api_base": server.url,
            "api_version": "2024-10-21",
            "azure_ad_token_provider": provider,
            "messages": ASKED,
            "max_retries": 0,
        }
        assert litellm.completion(**options).choices[0].message.content == "Yes."
        clock.advance(LIFE)
        litellm.completion(**options)
        clock.advance(LIFE)
        asyncio.run(litellm.acompletion(**options))
        assert server.tokens == ["token-1", "token-2", "token-3"]
