from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from adlfs import AzureBlobFileSystem
from adlfs.utils import close_credential
from fsspec.asyn import sync
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider

from entra_tokens import ConfigurationError

from ..conftest import LIFE
from ..kit import Answer, mypy, stub
from .test_azure_core import CLAIMS, CONTAINERS

if TYPE_CHECKING:
    from entra_tokens import AsyncTokenProvider, TokenProvider
    from entra_tokens.testing import ManualClock, ScriptedCredential


@pytest.mark.parametrize("face", ["sync", "async"])
def test_kiota(face: str, provider: TokenProvider, credential: ScriptedCredential, clock: ManualClock) -> None:
    """It takes nothing but azure-core's own AccessToken, and says nothing when it gets another."""
    given: TokenProvider | AsyncTokenProvider = provider if face == "sync" else provider.as_async()
    authentication = AzureIdentityAuthenticationProvider(
        given, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["graph.microsoft.com"]
    )

    async def header(**context: Any) -> set[str]:
        request = RequestInformation()
        request.url = "https://graph.microsoft.com/v1.0/me"
        await authentication.authenticate_request(request, context)
        return set(request.headers.get("Authorization"))

    assert asyncio.run(header()) == {"Bearer token-1"}
    clock.advance(LIFE)
    assert asyncio.run(header()) == {"Bearer token-2"}
    claims = base64.b64encode(CLAIMS.encode()).decode()
    assert asyncio.run(header(claims=claims)) == {"Bearer token-3"}
    assert credential.requests[-1].claims == CLAIMS


def test_adlfs_closes_its_own_handle_and_no_other(provider: TokenProvider, clock: ManualClock) -> None:
    with stub(lambda _method, _path: Answer(CONTAINERS, "application/xml")) as server:
        given = provider.as_async()
        filesystem = AzureBlobFileSystem(
            "account", account_host=server.authority, credential=given, skip_instance_cache=True
        )
        assert filesystem.ls("") == ["photographs"]
        clock.advance(LIFE)
        filesystem.invalidate_cache()
        assert filesystem.ls("") == ["photographs"]
        assert server.tokens == ["token-1", "token-2"]
        sync(filesystem.loop, close_credential, filesystem)  # what its finalizer does, when the process ends
        with pytest.raises(ConfigurationError, match="closed"):
            asyncio.run(given.token())
        assert provider.get_token("https://storage.azure.com/.default").token == "token-2"


def test_types_are_accepted() -> None:
    assert mypy(Path(__file__).with_name("typed.py")) == ""
