"""H2O's other clients call the provider for every request."""

from __future__ import annotations

import asyncio
import warnings
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # theirs
    import h2o_discovery
    import h2o_drive
    import h2o_engine_manager
    import h2o_mlops
    import h2o_notebook
    import h2o_secure_store
    import h2o_workflows

from ..conftest import LIFE
from ..kit import CA_FILE, Answer, Stub, as_json, stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens import TokenProvider
    from entra_tokens.testing import ManualClock

SERVICES = (
    *("authz-gateway", "drive-sts", "engine-manager", "mlops-api", "notebook-api", "secure-store", "userdrive"),
    *("workflows", "workspacedrive"),
)
CREDENTIALS = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>id</AccessKeyId><SecretAccessKey>key</SecretAccessKey>
<SessionToken>session</SessionToken><Expiration>{expiration}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
OBJECTS = b"""<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>_my</Name><IsTruncated>false
</IsTruncated><Contents><Key>notes.txt</Key><LastModified>2026-11-24T08:00:00.000Z</LastModified><ETag>"1"</ETag>
<Size>1</Size></Contents></ListBucketResult>"""


@pytest.fixture
def server() -> Iterator[Stub]:
    def answers(method: str, path: str) -> Answer:
        if path.startswith("/.ai.h2o.cloud.discovery/v1/"):
            return as_json(discovery(path.rpartition("/")[2].partition("?")[0]))
        if path.startswith("/_my"):
            return Answer(OBJECTS, "application/xml")
        if method == "POST" and path == "/":
            soon = datetime.now(timezone.utc) + timedelta(minutes=5)  # botocore renews at once
            return Answer(CREDENTIALS.format(expiration=soon.isoformat()).encode(), "text/xml")
        return as_json({"user": {"username": "me"}, "daiEngineVersions": [], "kernelImages": [], "secrets": []})

    def discovery(what: str) -> dict[str, Any]:
        if what == "environment":
            names = ("h2oCloudEnvironment", "issuerUrl", "h2oCloudPlatformOauth2Scope")
            return {"environment": dict.fromkeys(names, server.url)}
        if what == "services":
            return {what: [{"name": f"services/{name}", "displayName": name, "uri": server.url} for name in SERVICES]}
        return {what: []}

    with stub(answers) as server:
        yield server


def shown(server: Stub) -> list[str]:
    return [token for token in server.tokens if token]


def secure_store(url: str, provider: TokenProvider) -> Callable[[], object]:
    clients = h2o_secure_store.login(environment=url, token_provider=provider, ssl_ca_cert=CA_FILE)
    return lambda: clients.secret_client.list_secrets("workspaces/default")


def engine_manager(url: str, provider: TokenProvider) -> Callable[[], object]:
    clients = h2o_engine_manager.login(environment=url, token_provider=provider, ssl_ca_cert=CA_FILE)
    return lambda: clients.dai_engine_version_client.list_dai_engine_versions("workspaces/default")


def workflows(url: str, provider: TokenProvider) -> Callable[[], object]:
    clients = h2o_workflows.login(environment=url, token_provider=provider, ssl_ca_cert=CA_FILE)
    return lambda: clients.workflow.list_workflows("workspaces/default")


def notebook(url: str, provider: TokenProvider) -> Callable[[], object]:
    clients = h2o_notebook.login(environment=url, token_provider=provider, ssl_ca_cert=CA_FILE)
    return lambda: clients.kernel_image_client.list_kernel_images("workspaces/default")


def mlops(url: str, provider: TokenProvider) -> Callable[[], object]:
    client = h2o_mlops.Client(h2o_cloud_url=url, token_provider=provider, ssl_cacert=CA_FILE)
    return client.users.get_me


@pytest.mark.parametrize("login", [secure_store, engine_manager, workflows, notebook, mlops])
def test_each_request_carries_the_current_token(
    login: Callable[[str, TokenProvider], Callable[[], object]],
    provider: TokenProvider,
    server: Stub,
    clock: ManualClock,
) -> None:
    call = login(server.url, provider)
    before = len(shown(server))
    call()
    clock.advance(LIFE)
    call()
    assert list(dict.fromkeys(shown(server)[before:])) == ["token-1", "token-2"]


def test_drive_exchanges_the_current_token(provider: TokenProvider, server: Stub, clock: ManualClock) -> None:
    """For keys of a storage service; it is asked whenever these are renewed. It wants the synchronous face, although
    the client itself is asynchronous: a keep_fresh provider never makes it wait."""
    found = h2o_discovery.discover(environment=server.url)
    drive = h2o_drive.connect(discovery=found, token_provider=provider, ca_bundle=CA_FILE)

    async def run() -> None:
        assert [each.key for each in await drive.user_bucket().list_objects()] == ["notes.txt"]
        clock.advance(LIFE)
        assert [each.key for each in await drive.user_bucket().list_objects()] == ["notes.txt"]

    asyncio.run(run())
    exchanged = [parse_qs(body.decode()).get("WebIdentityToken", [""])[0] for body in server.bodies]
    assert list(dict.fromkeys(token for token in exchanged if token)) == ["token-1", "token-2"]
