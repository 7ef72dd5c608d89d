"""No authority but the configured one: wherever documents and redirects point, nothing is sent there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import FACES
from entra_tokens import AuthorityUnavailable, DeviceCode, InvalidCredential, ManagedIdentity, TokenProvider
from entra_tokens.emulator import Emulator
from faults.kit import ImpatientClock, Scene, client_secret
from faults.listening import Stranger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.emulator.records import Record

# Where a document may point, given the authority and a stranger's `localhost:PORT`.
ADDRESSES: dict[str, Callable[[str, str], str]] = {
    "another port": lambda own, other: f"https://{other}/t/oauth2/v2.0/token",
    "plain http": lambda own, other: f"http://{other}/t/oauth2/v2.0/token",
    "plain http to the authority": lambda own, other: own.replace("https:", "http:") + "/t/oauth2/v2.0/token",
    "the authority as user": lambda own, other: f"{own}@{other}/token",
    "the authority as user and password": lambda own, other: f"{own}:p@{other}/token",
    "a backslash": lambda own, other: f"{own}\\@{other}/token",
    "no scheme": lambda own, other: f"//{other}/token",
    "another host": lambda own, other: f"https://login.evil.example:{other.partition(':')[2]}/token",
    "a host that begins alike": lambda own, other: f"{own.replace('localhost', 'localhost.evil.example')}/token",
    "by number": lambda own, other: own.replace("localhost", "127.0.0.1") + "/token",
    "a file": lambda own, other: "file:///etc/passwd",
    "no address": lambda own, other: "token",
    "a control character": lambda own, other: f"{own}\r\nHost: {other}/token",
}


@pytest.fixture(scope="module")
def _second() -> Iterator[Emulator]:
    # Its certificate is from the same CA: trust in TLS alone would not keep a secret from it.
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def second(_second: Emulator) -> Emulator:
    _second.clear()
    return _second


@pytest.fixture(params=[False, True], ids=["tls", "plain"])
def stranger(request: pytest.FixtureRequest, second: Emulator) -> Iterator[Callable[[], int]]:
    """Tells how often the stranger was spoken to; `.host` says where it listens."""
    if request.param:
        with Stranger() as plain:
            count: Any = lambda: len(plain.heard)  # noqa: E731
            count.host, count.url = plain.host, plain.url
            yield count
    else:
        count = lambda: len(second.requests)  # noqa: E731
        count.host, count.url = second.authority.removeprefix("https://"), second.authority
        yield count


def sent(records: list[Record], secret: str) -> bool:
    return any(secret in repr((record.form, record.headers, record.path)) for record in records)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_foreign_token_endpoint_never_gets_the_secret(
    e: Emulator, clock: ImpatientClock, stranger: Any, address: str
) -> None:
    point = ADDRESSES[address](e.authority, stranger.host)
    fault = e.fail("discovery", reply={"token_endpoint": point})
    scene = Scene(e, clock, FACES[0], client_secret(e))
    error = scene.error()
    assert type(error) is AuthorityUnavailable
    assert stranger.host.partition(":")[2] not in str(error)
    assert fault.met == 1
    assert stranger() == 0
    assert e.token_requests == []
    assert not sent(e.requests, e.client_secret)

    # The document is not kept: when it is right again, so are we.
    fault.heal()
    scene.advance(scene.policy.remember_error)
    assert scene.call()


def test_the_emulators_own_foreign_endpoint_hears_nothing(e: Emulator, clock: ImpatientClock) -> None:
    e.fail("discovery", fault="foreign_endpoint")
    scene = Scene(e, clock, FACES[0], client_secret(e))
    assert "another origin" in str(scene.error())
    assert e.front.records == []


@pytest.mark.parametrize("name", ["device_authorization_endpoint", "token_endpoint"])
def test_a_foreign_endpoint_for_device_codes(e: Emulator, clock: ImpatientClock, stranger: Any, name: str) -> None:
    e.fail("discovery", reply={name: f"{stranger.url}/t/oauth2/v2.0/x"})
    prompts: list[Any] = []
    credential = DeviceCode(e.client_id, e.tenant_id, prompt=prompts.append, authority=e.authority, verify=e.ca_file)
    error = Scene(e, clock, FACES[0], credential).error()  # type: ignore[arg-type]
    assert type(error) is AuthorityUnavailable
    assert stranger() == 0
    assert prompts == []


GOOD = {"access_token": "of-a-redirect", "token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize("body", [None, {"error": "moved"}, GOOD], ids=["page", "error", "token"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["token", "discovery"])
def test_redirects_are_not_followed(
    e: Emulator, clock: ImpatientClock, stranger: Any, target: str, status: int, body: Any
) -> None:
    path = "oauth2/v2.0/token" if target == "token" else "v2.0/.well-known/openid-configuration"
    e.fail(target, status=status, headers={"Location": f"{stranger.url}/{e.tenant_id}/{path}"}, body=body)
    scene = Scene(e, clock, FACES[0], client_secret(e))
    error = scene.error()
    assert type(error) is AuthorityUnavailable
    assert error.status == status
    assert "redirect" in str(error)
    assert stranger() == 0
    assert len(e.token_requests) == (target == "token")


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("place", ["imds", "app_service"])
def test_a_redirect_of_the_metadata_service_is_not_followed(
    e: Emulator, clock: ImpatientClock, stranger: Any, place: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in e.environ(place).items():
        monkeypatch.setenv(name, value)
    e.fail(place, status=status, headers={"Location": f"{stranger.url}/metadata/identity/oauth2/token"})
    error = Scene(e, clock, FACES[0], ManagedIdentity(), target=place).error()
    assert type(error) is AuthorityUnavailable
    assert "redirect" in str(error)
    assert stranger() == 0
    assert len(e.token_requests) == 1


def test_a_held_token_survives_a_redirect(e: Emulator, clock: ImpatientClock, stranger: Any) -> None:
    scene = Scene(e, clock, FACES[0], client_secret(e))
    held = scene.call()
    scene.advance(3000)
    e.fail("token", status=307, headers={"Location": f"{stranger.url}/token"})
    assert all(token is held for token in scene.many(5))
    assert scene.failures == 1
    assert stranger() == 0


def test_a_private_authority_is_vouched_for_by_nobody(
    e: Emulator, clock: ImpatientClock, loopback_only: list[str]
) -> None:
    """No instance discovery, neither at the public cloud's host, which it would tell of this one, nor here."""
    scene = Scene(e, clock, FACES[0], client_secret(e))
    scene.call()
    scene.advance(3700)
    scene.call()
    with pytest.raises(InvalidCredential):
        TokenProvider(client_secret(e, client_secret="wrong"), e.h2ogpte_scope).token()
    assert {record.target for record in e.requests} == {"discovery", "token"}
    assert loopback_only == []


def test_a_tenant_that_does_not_exist_is_asked_of_nobody_else(
    e: Emulator, clock: ImpatientClock, loopback_only: list[str]
) -> None:
    from entra_tokens import ClientSecret

    credential = ClientSecret("nobody.example", e.client_id, e.client_secret, authority=e.authority, verify=e.ca_file)
    Scene(e, clock, FACES[0], credential).error()
    assert not sent(e.requests, e.client_secret)
    assert loopback_only == []
