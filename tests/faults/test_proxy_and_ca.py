"""Whom we trust and through whom we go: what is given explicitly wins, then the environment."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from engine.faces import FACES
from entra_tokens import AuthorityUnavailable, ClientSecret, ConfigurationError, ManagedIdentity
from faults.kit import ImpatientClock, Scene, client_secret
from faults.listening import Stranger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entra_tokens.emulator import Emulator

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A CA that signed nothing here."""
    path = tmp_path_factory.mktemp("ca") / "elsewhere.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    """A proxy for everything, which writes down what it is told and lets nothing through."""
    with Stranger() as proxy:
        for name in PROXY_VARIABLES:
            monkeypatch.setenv(name, proxy.url)
        yield proxy


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Stranger() as gone:
        url = gone.url
    for name in PROXY_VARIABLES:
        monkeypatch.setenv(name, url)


def scene(e: Emulator, clock: ImpatientClock, credential: object) -> Scene:
    return Scene(e, clock, FACES[0], credential)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["file", "path", "context"])
@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_an_explicit_ca_wins_over_the_environments(
    e: Emulator, clock: ImpatientClock, elsewhere: str, variable: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    monkeypatch.setenv(variable, elsewhere)
    verify = {
        "file": lambda: e.ca_file,
        "path": lambda: Path(e.ca_file),
        "context": lambda: ssl.create_default_context(cafile=e.ca_file),
    }[how]()
    assert scene(e, clock, client_secret(e, verify=verify)).call()


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_an_explicit_ca_is_not_widened_by_the_environments(
    e: Emulator, clock: ImpatientClock, elsewhere: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, e.ca_file)
    error = scene(e, clock, client_secret(e, verify=elsewhere)).error()
    assert type(error) is AuthorityUnavailable
    assert "certificate is not trusted" in str(error)
    assert e.requests == []


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_the_environments_ca_is_the_default(
    e: Emulator, clock: ImpatientClock, elsewhere: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, e.ca_file)
    settled = client_secret(e, verify=True)
    monkeypatch.setenv(variable, elsewhere)  # what it was at construction counts
    assert scene(e, clock, settled).call()
    error = scene(e, clock, client_secret(e, verify=True)).error()
    assert "certificate is not trusted" in str(error)
    assert len(e.token_requests) == 1


def test_without_any_the_systems_ca_counts(e: Emulator, clock: ImpatientClock) -> None:
    error = scene(e, clock, client_secret(e, verify=True)).error()
    assert type(error) is AuthorityUnavailable
    assert "certificate is not trusted" in str(error)
    assert e.requests == []


def test_trust_in_anything_is_a_choice_and_shares_no_token(
    e: Emulator, clock: ImpatientClock, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", elsewhere)
    assert scene(e, clock, client_secret(e, verify=False)).call()
    assert isinstance(scene(e, clock, client_secret(e, verify=True)).error(), AuthorityUnavailable)


def test_a_ca_file_that_is_none_is_named(
    e: Emulator, clock: ImpatientClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    error = scene(e, clock, client_secret(e, verify=True)).error()
    assert type(error) is ConfigurationError
    assert "missing.pem" in str(error)


@pytest.mark.parametrize("place", ["imds", "app_service"])
def test_managed_identity_knows_no_proxy(
    e: Emulator, clock: ImpatientClock, dead_proxy: None, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in e.environ(place).items():
        monkeypatch.setenv(name, value)
    assert scene(e, clock, ManagedIdentity()).call()


@pytest.mark.parametrize("place", ["imds", "app_service"])
def test_a_proxy_hears_nothing_of_managed_identity(
    e: Emulator, clock: ImpatientClock, recorder: Stranger, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in e.environ(place).items():
        monkeypatch.setenv(name, value)
    on = scene(e, clock, ManagedIdentity())
    on.call()
    e.fail(place, status=500)
    on.advance(7200)
    on.error()
    assert recorder.heard == []


@pytest.mark.parametrize("exempt", [None, "localhost", "localhost,example.com", "*", ".localhost, localhost"])
def test_an_authority_on_loopback_is_reached_without_the_proxy(
    e: Emulator, clock: ImpatientClock, dead_proxy: None, exempt: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exempt is not None:
        monkeypatch.setenv("NO_PROXY", exempt)
    assert scene(e, clock, client_secret(e)).call()


def test_a_dead_proxy_that_was_asked_for_is_no_way_round(e: Emulator, clock: ImpatientClock) -> None:
    with Stranger() as gone:
        url = gone.url
    error = scene(e, clock, client_secret(e, proxy=url)).error()
    assert type(error) is AuthorityUnavailable
    assert e.requests == []


def test_a_proxy_hears_where_to_and_nothing_else(
    e: Emulator, clock: ImpatientClock, recorder: Stranger, loopback_only: list[str]
) -> None:
    """Through the environment's proxy goes a tunnel; the secret would follow only inside TLS with the authority."""
    away = ClientSecret(e.tenant_id, e.client_id, e.client_secret, authority="https://login.example.com")
    for credential, host in ((away, "login.example.com:443"), (client_secret(e, proxy=recorder.url), e.authority[8:])):
        recorder.heard.clear()
        error = scene(e, clock, credential).error()
        assert type(error) is AuthorityUnavailable
        assert "proxy" in str(error)
        assert [heard.split(b"\r\n")[0] for heard in recorder.heard] == [f"CONNECT {host} HTTP/1.1".encode()]
        assert not any(e.client_secret.encode() in heard or b"client" in heard.lower() for heard in recorder.heard)
    assert loopback_only == []


def test_no_proxy_names_the_authority(
    e: Emulator, clock: ImpatientClock, recorder: Stranger, monkeypatch: pytest.MonkeyPatch, loopback_only: list[str]
) -> None:
    monkeypatch.setenv("NO_PROXY", ".example.com")
    away = ClientSecret(e.tenant_id, e.client_id, e.client_secret, authority="https://login.example.com")
    assert type(scene(e, clock, away).error()) is AuthorityUnavailable
    assert recorder.heard == []
    assert loopback_only  # it went straight there, and the guard of the tests stopped it
    loopback_only.clear()


def test_a_proxys_password_shows_nowhere(e: Emulator, clock: ImpatientClock) -> None:
    with Stranger(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        on = scene(e, clock, client_secret(e, proxy=f"http://ada:PROXY-PASSWORD@{proxy.host}"))
        error = on.error()
        assert (
            "PROXY-PASSWORD" not in f"{error}{error!r}{on.provider.status()}{on.credential!r}{on.credential.identity}"
        )
        assert len(proxy.heard) == 1
        assert b"Proxy-Authorization: Basic" in proxy.heard[0]
