"""Every managed-identity host, as the emulator stands in for it."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from emulator.places import SCOPE, at
from entra_tokens import AsyncTokenProvider, TokenProvider
from entra_tokens.authority.managed_identity.arc import Arc
from entra_tokens.authority.managed_identity.arc_key import arc_folder, read_key
from entra_tokens.authority.managed_identity.selector import Selector
from entra_tokens.credentials.default import Default
from entra_tokens.credentials.managed_identity import ManagedIdentity
from entra_tokens.emulator.arc_keys import ArcKeys
from entra_tokens.errors import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    CredentialUnavailable,
    EntraTokensError,
)
from entra_tokens.request import TokenRequest
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from pathlib import Path

    from entra_tokens.emulator import Emulator
    from entra_tokens.token import Token

ASK = TokenRequest((SCOPE,))
PLAIN = ["imds", "app_service", "app_service_2017", "azure_ml", "cloud_shell"]
# Of the fixture's environment: those whose token is the system-assigned identity's.
SYSTEM = [*PLAIN[:-1], "service_fabric"]
KINDS = ["client_id", "object_id", "resource_id"]
ARC_WHO = "ManagedIdentity() at Azure Arc"


def whose(token: Token) -> str:
    oid: str = token.claims()["oid"]
    return oid


def everything_said(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    told = (
        "".join(traceback.format_exception(type(error), error, error.__traceback__))
        + repr(error)
        + repr(vars(error))
        + caplog.text
    )
    frame = error.__traceback__.tb_next if error.__traceback__ else None  # the first is the test's, which knows
    while frame is not None:
        told += repr(frame.tb_frame.f_locals)
        frame = frame.tb_next
    return told


@pytest.fixture
def arc(e: Emulator, tmp_path: Path) -> Arc:
    folder = tmp_path / "tokens"
    e._world.hosting.arc_keys = ArcKeys(folder)
    return Arc(e.environ("arc")["IDENTITY_ENDPOINT"], folder=str(folder))


def from_arc(arc: Arc, **named: str) -> Token:
    return arc.token((SCOPE,), "https://vault.azure.net", Selector(**named), timeout=10, who=ARC_WHO)


@pytest.mark.parametrize("place", SYSTEM)
def test_the_system_assigned_identity(e: Emulator, place: str) -> None:
    with at(e, place):
        token = ManagedIdentity().acquire(ASK)
    assert whose(token) == e.identities.system.object_id
    assert token.scopes == (SCOPE,)
    assert abs(token.expires_on - e.now() - 3600) < 60 or token.expires_on - e.now() > 3600
    assert [record.target for record in e.token_requests] == [place]


@pytest.mark.parametrize("place", [*PLAIN, "service_fabric"])
def test_both_faces(e: Emulator, place: str) -> None:
    async def ask(provider: AsyncTokenProvider) -> Token:
        return await provider.token()

    with at(e, place), fresh_engine():
        provider = TokenProvider(ManagedIdentity(), SCOPE)
        assert asyncio.run(ask(provider.as_async())) is provider.token()
    assert len(e.token_requests) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("place", "name", "takes"),
    [
        ("imds", "", KINDS),
        ("app_service", "", KINDS),
        ("app_service_2017", "Azure Machine Learning", ["client_id"]),
        ("azure_ml", "Azure Machine Learning", ["client_id"]),
        ("cloud_shell", "Azure Cloud Shell", []),
        ("service_fabric", "Service Fabric", []),
        ("workload_identity", "AKS workload identity", ["client_id"]),
    ],
)
def test_the_identity_asked_for_or_a_refusal(e: Emulator, place: str, name: str, takes: list[str], kind: str) -> None:
    """Never the system-assigned one in its place."""
    (mine,) = e.identities.user_assigned
    value = e.client_id if place == "workload_identity" else getattr(mine, kind)
    with at(e, place):
        if kind not in takes:
            with pytest.raises(ConfigurationError, match=f"{name} cannot select a managed identity by {kind}"):
                ManagedIdentity(**{kind: value})
            return
        token = ManagedIdentity(**{kind: value}).acquire(ASK)
    assert token.claims()["oid"] == mine.object_id or place == "workload_identity"


@pytest.mark.parametrize("place", ["cloud_shell", "service_fabric"])
def test_in_a_chain_a_client_id_may_mean_somebody_else(
    e: Emulator, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with at(e, place):
        monkeypatch.setenv("AZURE_CLIENT_ID", e.client_id)
        with pytest.raises(CredentialUnavailable, match="cannot select a managed identity by client_id"):
            Default(exclude=["azure-cli"]).acquire(ASK)
    assert e.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_arc_selects(e: Emulator, arc: Arc, kind: str) -> None:
    (mine,) = e.identities.user_assigned
    assert whose(from_arc(arc)) == e.identities.system.object_id
    assert whose(from_arc(arc, **{kind: getattr(mine, kind)})) == mine.object_id
    e.hosts.arc_user_assigned = False
    try:
        with pytest.raises(AuthenticationFailed, match="did not confirm"):
            from_arc(arc, **{kind: getattr(mine, kind)})
        assert whose(from_arc(arc)) == e.identities.system.object_id
    finally:
        e.hosts.arc_user_assigned = True


@pytest.mark.skipif(
    arc_folder(sys.platform) is None or not os.access("/var/opt", os.W_OK), reason="Azure Arc's folder: not writable"
)
def test_arc_where_it_is(e: Emulator) -> None:
    e._world.hosting.arc_keys = ArcKeys()
    try:
        with at(e, "arc"):
            assert whose(ManagedIdentity().acquire(ASK)) == e.identities.system.object_id
    finally:
        e._world.hosting.arc_keys.close()


def test_no_other_system_has_arc(arc: Arc) -> None:
    assert arc_folder("darwin") is None
    assert str(arc_folder("win32")).endswith(r"\AzureConnectedMachineAgent\Tokens")
    with pytest.raises(CredentialUnavailable, match="does not run on"):
        from_arc(Arc(arc.endpoint, folder=None))


class TestArcKeyFile:
    """What the challenge names is looked at before it is opened."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "tokens"
        folder.mkdir()
        return folder

    def refused(self, challenge: str, folder: Path, match: str) -> None:
        with pytest.raises(AuthenticationFailed, match=match):
            read_key(challenge, str(folder), who=ARC_WHO)

    @pytest.mark.parametrize("form", ["Basic realm={}", 'basic realm="{}"', "Basic  realm = {} "])
    def test_a_key(self, folder: Path, form: str) -> None:
        (folder / "a=b.key").write_text("k3y\n")
        assert read_key(form.format(folder / "a=b.key"), str(folder), who=ARC_WHO) == "k3y"

    @pytest.mark.parametrize("challenge", ["", "Basic", "Bearer realm={}/a.key", "Basic realm=", "Basic realm=a.key"])
    def test_no_path(self, folder: Path, challenge: str) -> None:
        (folder / "a.key").write_text("k3y")
        self.refused(challenge.format(folder), folder, "names no '.key' file")

    @pytest.mark.parametrize("path", ["{0}/../x.key", "{0}/in/x.key", "{0}/../tokens/x.key", "/etc/x.key", "{0}/x.txt"])
    def test_elsewhere(self, folder: Path, path: str) -> None:
        (folder / "in").mkdir()
        for place in (folder / "x.key", folder / "in" / "x.key", folder.parent / "x.key", folder / "x.txt"):
            place.write_text("k3y")
        self.refused(f"Basic realm={path.format(folder)}", folder, "names no '.key' file")

    def test_a_link(self, folder: Path) -> None:
        (folder.parent / "secret").write_text("k3y")
        (folder / "x.key").symlink_to(folder.parent / "secret")
        self.refused(f"Basic realm={folder}/x.key", folder, "no plain file")

    def test_a_folder(self, folder: Path) -> None:
        (folder / "x.key").mkdir()
        self.refused(f"Basic realm={folder}/x.key", folder, "no plain file")

    @pytest.mark.parametrize(("size", "fine"), [(4096, True), (4097, False)])
    def test_its_size(self, folder: Path, size: int, fine: bool) -> None:
        (folder / "x.key").write_text("k" * size)
        if fine:
            assert len(read_key(f"Basic realm={folder}/x.key", str(folder), who=ARC_WHO)) == size
        else:
            self.refused(f"Basic realm={folder}/x.key", folder, "more than 4096")

    @pytest.mark.parametrize("content", [b"", b" \n", b"a\r\nX-Other: b", "clé".encode()])
    def test_no_key(self, folder: Path, content: bytes) -> None:
        (folder / "x.key").write_bytes(content)
        self.refused(f"Basic realm={folder}/x.key", folder, "no key")

    def test_missing(self, folder: Path) -> None:
        self.refused(f"Basic realm={folder}/x.key", folder, "cannot be read")


def test_a_foreign_challenge_sends_nothing(metadata: stub.Service, tmp_path: Path) -> None:
    (tmp_path / "x.key").write_text("k3y")
    metadata.on("/token", stub.Reply(401, {}, {"WWW-Authenticate": f"Basic realm={tmp_path}/x.key"}))
    with pytest.raises(AuthenticationFailed):
        from_arc(Arc(metadata.url + "/token", folder=str(tmp_path / "tokens")))
    assert ["authorization" in asked.headers for asked in metadata.requests] == [False]


def test_arcs_key_is_kept_secret(metadata: stub.Service, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "k3y-marker-of-arc"
    (tmp_path / "x.key").write_text(key)
    challenge = stub.Reply(401, {}, {"WWW-Authenticate": f"Basic realm={tmp_path}/x.key"})
    metadata.on("/token", challenge, stub.Reply(400, {"error": "invalid_request", "error_description": f"no {key}"}))
    with pytest.raises(AuthenticationFailed) as caught:
        from_arc(Arc(metadata.url + "/token", folder=str(tmp_path)))
    assert metadata.requests[-1].headers["authorization"] == f"Basic {key}"
    assert key not in str(caught.value) + repr(vars(caught.value)) + caplog.text


@pytest.mark.parametrize("form", ["linux", "windows", "iso", "string", "number"])
@pytest.mark.parametrize("place", ["app_service_2017", "azure_ml", "service_fabric"])
def test_forms_of_expires_on(e: Emulator, place: str, form: str) -> None:
    switch = f"{place}_expires_on"
    before = getattr(e.hosts, switch)
    setattr(e.hosts, switch, form)
    try:
        with at(e, place):
            left = ManagedIdentity().acquire(ASK).expires_on - e.now()
    finally:
        setattr(e.hosts, switch, before)
    assert 3000 < left <= 90_000


def test_azure_ml_on_a_compute_with_an_identity_of_its_own(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    (mine,) = e.identities.user_assigned
    with at(e, "azure_ml"):
        system = ManagedIdentity()
        monkeypatch.setenv("DEFAULT_IDENTITY_CLIENT_ID", mine.client_id)
        one = ManagedIdentity()
        monkeypatch.setenv("WEBSITE_SITE_NAME", "w")  # an App Service that has the variable for another reason
        other = ManagedIdentity()
    assert whose(one.acquire(ASK)) == mine.object_id
    assert whose(other.acquire(ASK)) == e.identities.system.object_id
    assert one.identity != system.identity


@pytest.mark.parametrize("place", [*PLAIN, "service_fabric"])
@pytest.mark.parametrize("status", [429, 503])
def test_failures_in_the_hosts_own_words(e: Emulator, place: str, status: int) -> None:
    with at(e, place), e.fail(place, status=status, headers={"Retry-After": "7"}):
        one = ManagedIdentity()
        with pytest.raises(AuthorityUnavailable) as caught:
            one.acquire(ASK)
    assert (caught.value.status, caught.value.retry_after) == (status, 7)


@pytest.mark.parametrize("place", SYSTEM)
def test_no_identity(e: Emulator, place: str) -> None:
    """Nobody named, nobody there: not this environment, and no second request."""
    (mine,) = e.identities.user_assigned
    e.identities.system_assigned = False
    e.identities.unassign()
    try:
        with at(e, place), pytest.raises(CredentialUnavailable, match="assign"):
            ManagedIdentity().acquire(ASK)
    finally:
        e.identities.system_assigned = True
        e.identities.assign(mine)
    assert len(e.token_requests) == 1


def test_cloud_shell_says_which_audiences_there_are(e: Emulator) -> None:
    e.hosts.cloud_shell_audiences = frozenset({"https://management.azure.com"})
    try:
        with (
            at(e, "cloud_shell"),
            pytest.raises(AuthenticationFailed, match="not a supported MSI token audience") as no,
        ):
            ManagedIdentity().acquire(ASK)
    finally:
        e.hosts.cloud_shell_audiences = None
    assert no.value.error == "AudienceNotSupported"


def test_service_fabric_with_another_certificate(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with at(e, "service_fabric"):
        monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "ab" * 20)
        with pytest.raises(AuthenticationFailed, match="Nothing was sent"):
            ManagedIdentity().acquire(ASK)
    assert e.requests == []


@pytest.mark.parametrize("fault", ["hang", "slow_drip", "reset"])
def test_service_fabric_has_a_time_limit(e: Emulator, fault: str) -> None:
    with at(e, "service_fabric"), e.fail("service_fabric", fault=fault), pytest.raises(AuthorityUnavailable):
        ManagedIdentity(timeout=0.5).acquire(ASK)


SECRET = "s3cret-marker-of-the-host"


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"IDENTITY_ENDPOINT": "{}", "IDENTITY_HEADER": SECRET}, "x-identity-header"),
        ({"MSI_ENDPOINT": "{}", "MSI_SECRET": SECRET}, "secret"),
    ],
)
@pytest.mark.parametrize(
    "reply",
    [
        stub.Reply(400, {"error": SECRET, "error_description": f"not {SECRET}", "correlation_id": SECRET}),
        stub.Reply(500, {"ErrorCode": SECRET, "Message": f"not {SECRET}", "CorrelationId": SECRET}),
        stub.Reply(400, {"error": {"code": SECRET, "message": f"not {SECRET}"}}),
        stub.Reply(302, b"", {"Location": "http://127.0.0.1:9/"}),
        stub.Reply(200, {"access_token": 1}),
    ],
)
def test_secrets(
    metadata: stub.Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variables: dict[str, str],
    header: str,
    reply: stub.Reply,
) -> None:
    caplog.set_level(logging.DEBUG)
    metadata.on("/token", reply)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(metadata.url + "/token"))
    one = ManagedIdentity()
    with pytest.raises(EntraTokensError) as caught:
        one.acquire(ASK)
    assert metadata.requests[0].headers[header] == SECRET
    assert SECRET not in everything_said(caught.value, caplog) + repr(one) + repr(one.identity) + repr(vars(one))
    assert SECRET.encode() not in pickle.dumps(one)


def _elsewhere(one: ManagedIdentity) -> tuple[str, str, str]:
    return one.host, str(one.acquire(ASK)), repr(one)


@pytest.mark.parametrize("place", ["imds", "app_service_2017"])
def test_another_process_takes_it(e: Emulator, place: str) -> None:
    (mine,) = e.identities.user_assigned
    with at(e, place):
        one = ManagedIdentity(client_id=mine.client_id)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            host, token, said = pool.apply(_elsewhere, (one,))
    assert (host, said) == (one.host, repr(one))
    assert token.count(".") == 2


LOADED = """
import json, sys
from entra_tokens import TokenProvider, ManagedIdentity
token = TokenProvider(ManagedIdentity(), "https://vault.azure.net/.default").token()
heavy = {"asyncio", "azure", "cryptography", "httpcore", "httpx", "msal", "requests"}
print(json.dumps({"token": token.count("."), "heavy": sorted(heavy & {m.split(".")[0] for m in sys.modules})}))
"""


@pytest.mark.parametrize("place", [*PLAIN, "service_fabric"])
def test_nothing_heavy_is_loaded(e: Emulator, place: str) -> None:
    environ: dict[str, Any] = {**e.environ(place), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", LOADED], env=environ, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {"token": 2, "heavy": []}
