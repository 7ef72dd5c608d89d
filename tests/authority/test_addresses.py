"""Where to, through what, and whom to trust: what a user may give and what the environment says."""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from authority import stub
from entra_tokens.authority.cloud import is_same_origin, normalised_authority
from entra_tokens.authority.proxy import resolved_proxy
from entra_tokens.authority.verify import resolved_verify, ssl_context
from entra_tokens.engine.workers import importing
from entra_tokens.errors import ConfigurationError

AUTHORITIES = [
    ("login.microsoftonline.com", "https://login.microsoftonline.com"),
    ("https://login.microsoftonline.com/", "https://login.microsoftonline.com"),
    (" https://Login.Microsoftonline.us ", "https://login.microsoftonline.us"),
    ("https://localhost:8443", "https://localhost:8443"),
    ("https://host.example:443", "https://host.example"),
    ("https://[::1]:8443/", "https://[::1]:8443"),
    ("login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"),
    ("https://login.windows.net", "https://login.microsoftonline.com"),
]


@pytest.mark.parametrize(("text", "settled"), AUTHORITIES)
def test_an_authority(text: str, settled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert normalised_authority(text) == settled
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", text)
    assert normalised_authority() == settled


@hypothesis.given(
    st.from_regex(r"([a-z0-9.-]{1,12}|login\.windows\.net)(:[0-9]{0,6})?", fullmatch=True),
)
@hypothesis.example("login.windows.net:8443")
def test_one_that_stays_as_it_is_is_told_from_one_that_does_not(host: str) -> None:
    """Most are taken without being taken apart: those that this would leave alone, and no others."""

    def settled(text: str) -> str | None:
        try:
            return normalised_authority(text)
        except ConfigurationError:
            return None

    assert settled(f"https://{host}") == settled(f"https://{host}/")  # the slash has it taken apart


def test_an_address_is_not_kept_waiting_by_an_import() -> None:
    """A credential may be made in an event loop, while a flight imports msal for hundreds of milliseconds."""
    from threading import Thread

    from entra_tokens.engine.workers import importing

    made: list[str] = []
    thread = Thread(target=lambda: made.append(normalised_authority("https://localhost:8443/")), daemon=True)
    with importing():
        thread.start()
        thread.join(10)
        assert made == ["https://localhost:8443"]


def test_the_public_cloud_is_the_default() -> None:
    assert normalised_authority() == "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "http://login.example",
        "ftp://login.example",
        "https://",
        "https://login.example/tenant",
        "https://login.example/..",
        "https://login.example//",
        "https://login.example?x=1",
        "https://login.example?",
        "https://login.example#f",
        "https://user:pass@login.example",
        "https://@login.example",
        "https://login.example\\@evil.example",
        "https://login.example:0",
        "https://login.example:",
        "https://login.example:99999",
        "https://login.example:x",
        "https://login..example",
        "https://-login.example",
        "https://login .example",
        "https://login.exa\nmple",
        "https://lögin.example",
        "https://login.example%2f@evil",
        "https://[::1",
        7,
    ],
)
def test_a_malformed_authority(given: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        normalised_authority(given)
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://a.example/x", True),
        ("https://a.example:443/x", True),
        ("https://A.example/x", True),
        ("http://a.example/x", False),
        ("https://a.example:444/x", False),
        ("https://b.a.example/x", False),
        ("https://a.example.b/x", False),
        ("https://a.example@b/x", False),
        ("https://u@a.example/x", False),
        ("https://a.example\\@b/x", False),
        ("https://a.example:x/", False),
        ("", False),
    ],
)
def test_same_origin(url: str, same: bool) -> None:
    assert is_same_origin(url, "https://a.example") is same


HOST = "https://login.example"


@pytest.mark.parametrize(
    ("variables", "given", "authority", "settled"),
    [
        ({}, None, HOST, None),
        ({"HTTPS_PROXY": "http://p:1"}, None, HOST, "http://p:1"),
        ({"https_proxy": "http://q:1", "HTTPS_PROXY": "http://p:1"}, None, HOST, "http://q:1"),
        ({"ALL_PROXY": "http://p:1"}, None, HOST, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None, HOST, None),
        ({"HTTPS_PROXY": "p:1"}, None, HOST, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "", HOST, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://mine:2", HOST, "http://mine:2"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other,login.example"}, None, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, None, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.example"}, None, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "login.example:443"}, None, HOST, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "login.example:444"}, None, HOST, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ogin.example, ,"}, None, HOST, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "10.0.0.0/8"}, None, "https://10.1.2.3", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://localhost:8443", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://127.0.0.1:8443", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://[::1]:8443", None),
        ({}, "http://p:1", "https://localhost:8443", "http://p:1"),
    ],
)
def test_a_proxy(
    variables: dict[str, str],
    given: str | None,
    authority: str,
    settled: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert resolved_proxy(given, authority) == settled


@pytest.mark.parametrize("given", ["ftp://p:1", "http://", "http://user:s3cret@:x", "http://p:0", 5])
def test_a_malformed_proxy(given: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolved_proxy(given, HOST)
    assert "s3cret" not in str(caught.value)


def test_whom_to_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context()
    monkeypatch.setenv("SSL_CERT_FILE", "/first.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/second.pem")
    assert resolved_verify(True) == "/first.pem"
    assert resolved_verify(False) is False
    assert resolved_verify(Path("/mine.pem")) == "/mine.pem"
    assert resolved_verify(context) is context
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert resolved_verify(True) == "/second.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")
    assert resolved_verify(True) is True
    for bad in (None, "", 1, b"/x"):
        with pytest.raises(ConfigurationError):
            resolved_verify(bad)  # type: ignore[arg-type]


def test_tls_contexts(tmp_path: Path) -> None:
    assert ssl_context(False).verify_mode is ssl.CERT_NONE
    assert ssl_context(True).verify_mode is ssl.CERT_REQUIRED
    ours = ssl_context(stub.ca_file(tmp_path))
    assert (ours.verify_mode, ours.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert ours.cert_store_stats()["x509_ca"] == 1  # ours alone, whatever the environment says
    assert ssl_context(str(tmp_path)).verify_mode is ssl.CERT_REQUIRED
    (tmp_path / "junk.pem").write_text("junk")
    for bad in ("junk.pem", "absent.pem"):
        with pytest.raises(ConfigurationError, match=bad):
            ssl_context(str(tmp_path / bad))
    others: Any = SimpleNamespace(wrap_socket=None)  # truststore.inject_into_ssl() makes ssl's own one of these
    assert ssl_context(others) is others


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this platform")
def test_a_fork_waits_for_a_context_that_is_being_made(tmp_path: Path) -> None:
    """Forked from the middle, a child waits for OpenSSL's locks for ever: 2 of 14 did."""
    path, entered = tmp_path / "ca.pem", threading.Event()
    os.mkfifo(path)

    def enter() -> None:
        with importing():  # what a fork waits for
            entered.set()

    making, entering = threading.Thread(target=ssl_context, args=[str(path)]), threading.Thread(target=enter)
    making.start()
    with open(path, "wb") as file:  # returns when OpenSSL has opened the other end
        entering.start()
        assert not entered.wait(0.05)
        file.write(stub.CA.cert_pem.bytes())
    making.join()
    entering.join()
    assert entered.is_set()
