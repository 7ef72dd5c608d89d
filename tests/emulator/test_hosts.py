"""The managed-identity hosts on the wire: names, headers, forms and refusals, each its own."""

from __future__ import annotations

import re
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from entra_tokens.emulator.arc_keys import ArcKeys
from entra_tokens.emulator.environ import PLACE_VARIABLES, PLACES
from entra_tokens.emulator.expiry_forms import expiry

from .places import VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

IMDS = {"api-version": "2018-02-01", "resource": VAULT}
OLD = {"api-version": "2017-09-01", "resource": VAULT}
FABRIC = {"api-version": "2019-07-01-preview", "resource": VAULT}
ARC = {"api-version": "2020-06-01", "resource": VAULT}
METADATA = {"Metadata": "true"}


@pytest.fixture
def http(e: Emulator) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=e.ca_file)
    with httpx.Client(verify=trust, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def arc(e: Emulator, tmp_path: Path) -> str:
    """Arc's address, with key files where anybody may write them: no library looks there."""
    e._world.hosting.arc_keys = ArcKeys(tmp_path / "agent" / "tokens")
    return e.environ("arc")["IDENTITY_ENDPOINT"]


class TestImds:
    def ask(self, http: httpx.Client, e: Emulator, **more: str) -> httpx.Response:
        url = f"{e.managed_identity_url}/metadata/identity/oauth2/token"
        return http.get(url, params={**IMDS, **more}, headers=METADATA)

    def test_whom_it_means(self, e: Emulator, http: httpx.Client) -> None:
        assert self.ask(http, e).json()["client_id"] == e.identities.system.client_id
        e.identities.system_assigned = False
        (only,) = e.identities.user_assigned
        assert self.ask(http, e).json()["client_id"] == only.client_id
        second = e.identities.assign()
        refused = self.ask(http, e)
        assert (refused.status_code, refused.json()) == (
            400,
            {"error": "invalid_request", "error_description": "Identity not found"},
        )
        assert self.ask(http, e, object_id=second.object_id).json()["client_id"] == second.client_id

    def test_twenty_a_second(self, e: Emulator, http: httpx.Client) -> None:
        e._world.clock._wall = lambda: 1_800_000_000.0  # all of them in one moment
        statuses = [self.ask(http, e).status_code for _ in range(21)]
        assert statuses == [200] * 20 + [429]
        assert self.ask(http, e).json() == {
            "error": "invalid_request",
            "error_description": "Temporarily throttled, too many requests",
        }
        e.advance(1)
        assert self.ask(http, e).status_code == 200

    def test_five_at_once(self, e: Emulator, http: httpx.Client) -> None:
        with ThreadPoolExecutor(6) as pool, e.hold("imds", arrivals=6) as gate:
            asked = [pool.submit(self.ask, http, e) for _ in range(6)]
            assert gate.arrived.wait(30)
            gate.release()
            statuses = sorted(each.result().status_code for each in asked)
        assert statuses == [200] * 5 + [429]
        assert self.ask(http, e).status_code == 200

    def test_the_limits_can_be_switched_off(self, e: Emulator, http: httpx.Client) -> None:
        e.hosts.imds_limits = False
        e._world.clock._wall = lambda: 1_800_000_000.0
        assert {self.ask(http, e).status_code for _ in range(25)} == {200}

    def test_a_request_that_leaves_counts_no_longer(self, e: Emulator, http: httpx.Client) -> None:
        with e.hold("imds") as gate:
            for _ in range(6):
                with pytest.raises(httpx.ReadTimeout):
                    http.get(
                        f"{e.managed_identity_url}/metadata/identity/oauth2/token",
                        params=IMDS,
                        headers=METADATA,
                        timeout=0.05,
                    )
            gate.release()
        assert self.ask(http, e).status_code == 200

    @pytest.mark.parametrize(
        ("status", "error"),
        [(404, "not_found"), (410, "gone"), (429, "invalid_request"), (500, "unknown"), (503, "unknown")],
    )
    def test_its_words_for_a_status(self, e: Emulator, http: httpx.Client, status: int, error: str) -> None:
        e.fail("imds", status=status, times=1, headers={"Retry-After": "3"})
        response = self.ask(http, e)
        assert (response.status_code, response.json()["error"]) == (status, error)
        assert response.headers["retry-after"] == "3"
        assert self.ask(http, e).status_code == 200

    def test_docker_desktop(self, e: Emulator, http: httpx.Client) -> None:
        e.fail("imds", status=403)
        response = self.ask(http, e)
        assert response.status_code == 403
        assert "unreachable network" in response.text

    def test_a_body_that_is_given_stays(self, e: Emulator, http: httpx.Client) -> None:
        e.fail("imds", status=429, body="slow down", times=1)
        assert self.ask(http, e).text == "slow down"
        e.fail("imds", error=500011, times=1)
        assert "AADSTS500011" in self.ask(http, e).json()["error_description"]

    def test_another_verb(self, e: Emulator, http: httpx.Client) -> None:
        response = http.post(f"{e.managed_identity_url}/metadata/identity/oauth2/token", headers=METADATA)
        assert response.status_code == 405

    def test_the_token(self, e: Emulator, http: httpx.Client) -> None:
        (mine,) = e.identities.user_assigned
        token = self.ask(http, e, client_id=mine.client_id).json()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["ver"], claims["aud"], claims["appid"]) == ("1.0", VAULT, mine.client_id)
        assert (claims["idtyp"], claims["appidacr"], claims["xms_mirid"]) == ("app", "2", mine.resource_id)
        assert claims["oid"] == claims["sub"] == mine.object_id
        system = jwt.decode(self.ask(http, e).json()["access_token"], options={"verify_signature": False})
        assert system["xms_mirid"].endswith("/virtualMachines/emulator")


class TestAppService2017:
    def ask(self, http: httpx.Client, e: Emulator, place: str = "app_service_2017", **more: str) -> httpx.Response:
        variables = e.environ(place)
        return http.get(variables["MSI_ENDPOINT"], params={**OLD, **more}, headers={"secret": variables["MSI_SECRET"]})

    @pytest.mark.parametrize(
        ("form", "pattern"),
        [
            ("linux", r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \+00:00"),
            ("windows", r"\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d [AP]M \+00:00"),
            ("iso", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0000000\+00:00"),
            ("string", r"\d+"),
        ],
    )
    def test_the_forms_of_expires_on(self, e: Emulator, http: httpx.Client, form: Any, pattern: str) -> None:
        e.hosts.app_service_2017_expires_on = form
        body = self.ask(http, e).json()
        assert set(body) == {"access_token", "expires_on", "resource", "token_type"}
        assert re.fullmatch(pattern, body["expires_on"])

    def test_clientid_and_nothing_else_selects(self, e: Emulator, http: httpx.Client) -> None:
        (mine,) = e.identities.user_assigned

        def whose(**more: str) -> str:
            token = self.ask(http, e, **more).json()["access_token"]
            oid: str = jwt.decode(token, options={"verify_signature": False})["oid"]
            return oid

        assert whose(clientid=mine.client_id) == mine.object_id
        for name, value in (("client_id", mine.client_id), ("mi_res_id", mine.resource_id)):
            assert whose(**{name: value}) == e.identities.system.object_id

    @pytest.mark.parametrize("place", ["app_service_2017", "azure_ml"])
    def test_refusals(self, e: Emulator, http: httpx.Client, place: str) -> None:
        missing = http.get(e.environ(place)["MSI_ENDPOINT"], params=OLD, headers={"X-IDENTITY-HEADER": "x"})
        assert missing.status_code == missing.json()["StatusCode"] == 401
        other = self.ask(http, e, place, clientid="nobody")
        assert other.status_code == other.json()["StatusCode"] == 400
        assert set(other.json()) >= {"ExceptionMessage", "ErrorCode", "Message", "CorrelationId"}
        assert self.ask(http, e, place, **{"api-version": "2019-08-01"}).status_code == 400
        assert self.ask(http, e, place, resource="").status_code == 400
        e.fail(place, status=503)
        failed = self.ask(http, e, place).json()
        assert (failed["StatusCode"], failed["ErrorCode"]) == (503, "service_unavailable")

    def test_azure_ml(self, e: Emulator, http: httpx.Client) -> None:
        assert self.ask(http, e, "azure_ml").json()["expires_on"].isdigit()
        e.hosts.azure_ml_expires_on = "number"
        assert isinstance(self.ask(http, e, "azure_ml").json()["expires_on"], int)
        assert {record.target for record in e.token_requests} == {"azure_ml"}


def test_each_secret_opens_its_own_host(e: Emulator, http: httpx.Client) -> None:
    old, ml = e.environ("app_service_2017"), e.environ("azure_ml")
    crossed = http.get(old["MSI_ENDPOINT"], params=OLD, headers={"secret": ml["MSI_SECRET"]})
    assert crossed.status_code == 401


def test_app_service_says_500_for_what_it_cannot_get(e: Emulator, http: httpx.Client) -> None:
    variables = e.environ("app_service")
    e.fail("app_service", status=500)
    response = http.get(variables["IDENTITY_ENDPOINT"], headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]})
    assert response.json()["message"] == "An unexpected error occured while fetching the AAD Token."


def test_app_service_means_the_system_assigned_identity_only(e: Emulator, http: httpx.Client) -> None:
    e.identities.system_assigned = False
    variables = e.environ("app_service")
    response = http.get(
        variables["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": VAULT},
        headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]},
    )
    assert response.status_code == 400
    assert "No User Assigned or Delegated Managed Identity" in response.json()["message"]


class TestArc:
    def key(self, response: httpx.Response) -> str:
        assert response.status_code == 401
        scheme, _, path = response.headers["www-authenticate"].partition(" realm=")
        assert scheme == "Basic"
        return Path(path).read_text()

    def ask(self, http: httpx.Client, arc: str, **more: str) -> httpx.Response:
        key = self.key(http.get(arc, params={**ARC, **more}, headers=METADATA))
        return http.get(arc, params={**ARC, **more}, headers={**METADATA, "Authorization": f"Basic {key}"})

    def test_a_key_answers_once_and_goes(self, e: Emulator, http: httpx.Client, arc: str) -> None:
        folder = e._world.hosting.arc_keys.folder
        key = self.key(http.get(arc, params=ARC, headers=METADATA))
        (file,) = folder.iterdir()
        assert file.suffix == ".key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        headers = {**METADATA, "Authorization": f"Basic {key}"}
        assert http.get(arc, params=ARC, headers=headers).json()["client_id"] == e.identities.system.client_id
        assert list(folder.iterdir()) == []
        assert http.get(arc, params=ARC, headers=headers).status_code == 401

    def test_it_names_the_identity_it_took(self, e: Emulator, http: httpx.Client, arc: str) -> None:
        (mine,) = e.identities.user_assigned
        for name, value in (("object_id", mine.object_id), ("msi_res_id", mine.resource_id)):
            body = self.ask(http, arc, **{name: value}).json()
            assert (body[name], body["client_id"]) == (value, mine.client_id)
        assert "object_id" not in self.ask(http, arc).json()

    def test_an_old_agent_takes_the_system_assigned_one(self, e: Emulator, http: httpx.Client, arc: str) -> None:
        e.hosts.arc_user_assigned = False
        body = self.ask(http, arc, object_id=e.identities.user_assigned[0].object_id).json()
        assert body["client_id"] == e.identities.system.client_id
        assert "object_id" not in body

    def test_refusals_come_before_the_challenge(self, e: Emulator, http: httpx.Client, arc: str) -> None:
        assert http.get(arc, params=ARC).status_code == 400
        assert http.get(arc, params={"resource": VAULT}, headers=METADATA).status_code == 400
        assert http.get(arc, params={"api-version": "2020-06-01"}, headers=METADATA).status_code == 400
        assert self.ask(http, arc, client_id="nobody").json()["error_description"] == "Identity not found"

    def test_unanswered_challenges_do_not_pile_up(self, e: Emulator, http: httpx.Client, arc: str) -> None:
        for _ in range(20):
            http.get(arc, params=ARC, headers=METADATA)
        assert len(list(e._world.hosting.arc_keys.folder.iterdir())) == 16

    def test_all_of_it_is_taken_away_in_the_end(self, tmp_path: Path) -> None:
        keys = ArcKeys(tmp_path / "agent" / "tokens")
        keys.prepare()
        keys.challenge()
        keys.close()
        assert list(tmp_path.iterdir()) == []

    def test_another_emulators_files_stay(self, tmp_path: Path) -> None:
        one, other = ArcKeys(tmp_path / "tokens"), ArcKeys(tmp_path / "tokens")
        one.prepare()
        file = other.challenge()
        one.close()
        assert file.exists()
        other.close()

    def test_a_folder_that_cannot_be_written_to_is_an_error_that_says_so(self, e: Emulator, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        e._world.hosting.arc_keys = ArcKeys(tmp_path / "file" / "tokens")
        with pytest.raises(PermissionError, match="mkdir -p"):
            e.environ("arc")

    def test_without_the_folder_the_host_fails(self, e: Emulator, http: httpx.Client, arc: str, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        e._world.hosting.arc_keys = ArcKeys(tmp_path / "file" / "tokens")
        assert http.get(arc, params=ARC, headers=METADATA).status_code == 500


class TestServiceFabric:
    def ask(self, http: httpx.Client, e: Emulator, secret: str | None = None, **more: str) -> httpx.Response:
        variables = e.environ("service_fabric")
        headers = {"Secret": variables["IDENTITY_HEADER"] if secret is None else secret}
        return http.get(variables["IDENTITY_ENDPOINT"], params={**FABRIC, **more}, headers=headers)

    def test_a_number_or_a_string(self, e: Emulator, http: httpx.Client) -> None:
        body = self.ask(http, e).json()
        assert set(body) == {"access_token", "expires_on", "resource", "token_type"}
        assert isinstance(body["expires_on"], int)
        e.hosts.service_fabric_expires_on = "string"
        assert self.ask(http, e).json()["expires_on"].isdigit()

    def test_the_thumbprint_is_that_of_its_certificate(self, e: Emulator) -> None:
        variables = e.environ("service_fabric")
        port = int(variables["IDENTITY_ENDPOINT"].partition("localhost:")[2].partition("/")[0])
        pem = ssl.get_server_certificate(("localhost", port), timeout=5)
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        found = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1())
        assert found.hex().upper() == variables["IDENTITY_SERVER_THUMBPRINT"]

    @pytest.mark.parametrize(
        ("more", "status", "code"),
        [
            ({"secret": "wrong"}, 404, "ManagedIdentityNotFound"),
            ({"api-version": "2018-02-01"}, 400, "InvalidApiVersion"),
            ({"resource": ""}, 400, "ArgumentNullOrEmpty"),
        ],
    )
    def test_refusals(self, e: Emulator, http: httpx.Client, more: dict[str, str], status: int, code: str) -> None:
        response = self.ask(http, e, **more)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.json()["error"]["correlationId"]

    def test_no_secret(self, e: Emulator, http: httpx.Client) -> None:
        response = http.get(e.environ("service_fabric")["IDENTITY_ENDPOINT"], params=FABRIC)
        assert response.json()["error"]["code"] == "SecretHeaderNotFound"

    def test_its_own_throttling_is_text(self, e: Emulator, http: httpx.Client) -> None:
        e.fail("service_fabric", status=429, times=1)
        response = self.ask(http, e)
        assert response.status_code == 429
        assert response.text.startswith("The request was throttled locally")
        e.fail("service_fabric", status=500, times=1)
        assert self.ask(http, e).json()["error"]["code"] == "InternalServerError"

    def test_it_can_be_refused_alone(self, e: Emulator, http: httpx.Client) -> None:
        with e.fail("service_fabric", fault="refuse"):
            with pytest.raises(httpx.ConnectError):
                self.ask(http, e)
            assert http.get(e.managed_identity_url).status_code == 404
        assert self.ask(http, e).status_code == 200


class TestCloudShell:
    def ask(self, http: httpx.Client, e: Emulator, **form: str) -> httpx.Response:
        return http.post(e.environ("cloud_shell")["MSI_ENDPOINT"], data={"resource": VAULT, **form}, headers=METADATA)

    def test_it_gives_the_persons_token(self, e: Emulator, http: httpx.Client) -> None:
        body = self.ask(http, e).json()
        assert body["refresh_token"] == ""
        assert all(isinstance(value, str) for value in body.values())
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        assert (claims["oid"], claims["scp"]) == (e.directory.user.object_id, "user_impersonation")

    def test_refusals(self, e: Emulator, http: httpx.Client) -> None:
        url = e.environ("cloud_shell")["MSI_ENDPOINT"]
        assert http.post(url, data={"resource": VAULT}).status_code == 400
        assert http.post(url, headers=METADATA).status_code == 400
        assert http.get(url, params={"resource": VAULT}, headers=METADATA).status_code == 405
        refused = self.ask(http, e, client_id=e.identities.user_assigned[0].client_id)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidRequest")

    def test_the_audiences_it_knows(self, e: Emulator, http: httpx.Client) -> None:
        e.hosts.cloud_shell_audiences = frozenset({"https://management.azure.com/"})
        error = self.ask(http, e).json()["error"]
        assert error["code"] == "AudienceNotSupported"
        assert error["message"].startswith(f"Audience {VAULT} is not a supported MSI token audience")
        assert self.ask(http, e, resource="https://management.azure.com/").status_code == 200


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("windows", "1/16/2020 5:24:12 AM +00:00"),
        ("linux", "01/16/2020 05:24:12 +00:00"),
        ("iso", "2020-01-16T05:24:12.0000000+00:00"),
        ("string", "1579152252"),
        ("number", 1579152252),
    ],
)
def test_expiry_forms(form: str, text: object) -> None:
    at = datetime(2020, 1, 16, 5, 24, 12, 700_000, timezone.utc).timestamp()
    assert expiry(at, form) == text


@pytest.mark.parametrize(("hour", "text"), [(0, "12:00:00 AM"), (12, "12:00:00 PM"), (23, "11:00:00 PM")])
def test_twelve_hours(hour: int, text: str) -> None:
    assert text in str(expiry(datetime(2020, 1, 16, hour, tzinfo=timezone.utc).timestamp(), "windows"))


def test_switches_that_are_none(e: Emulator) -> None:
    with pytest.raises(ValueError, match="french"):
        e.hosts.azure_ml_expires_on = "french"  # type: ignore[assignment]
    with pytest.raises(AttributeError, match="imds_limit"):
        e.hosts.imds_limit = False  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="french"):
        expiry(0, "french")


@pytest.mark.parametrize("place", [place for place in PLACES if place != "arc"])
def test_a_place_says_what_must_not_be_there(e: Emulator, place: str) -> None:
    variables = e.environ(place)
    assert not set(e.environ_absent(place)) & set(variables)
    assert set(PLACE_VARIABLES) <= {*e.environ_absent(place), *variables}


def test_hosts_at_once(e: Emulator, http: httpx.Client) -> None:
    """Several threads at several hosts, and the switches under them."""
    e.hosts.imds_limits = False
    stop = threading.Event()

    def switch() -> None:
        while not stop.is_set():
            e.identities.unassign(e.identities.assign())

    with ThreadPoolExecutor(5) as pool:
        switching = pool.submit(switch)
        asked = [pool.submit(TestServiceFabric().ask, http, e) for _ in range(20)]
        asked += [pool.submit(TestCloudShell().ask, http, e) for _ in range(20)]
        statuses = {each.result().status_code for each in asked}
        stop.set()
        switching.result()
    assert statuses == {200}
