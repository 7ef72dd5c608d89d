"""An assertion for a token without msal: the same form, the same errors, straight and through a proxy."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from authority.tunnel import Proxy
from entra_tokens.authority.federated import FederatedExchange
from entra_tokens.authority.options import AuthorityOptions
from entra_tokens.credentials.client_assertion import ClientAssertion
from entra_tokens.errors import AuthorityUnavailable, ConfigurationError
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entra_tokens.token import Token

SCOPE = "api://app/.default"
ASK = TokenRequest((SCOPE,))
CHALLENGE = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
WAYS = pytest.mark.parametrize("way", ["straight", "proxy"])


@pytest.fixture
def entra() -> Iterator[stub.Service]:
    with stub.running(tls=True) as service:
        service.on("openid-configuration", stub.Reply(body=service.discovery()))
        service.on("/token", stub.granted())
        yield service


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return stub.ca_file(tmp_path)


@contextmanager
def tunnel(way: str) -> Iterator[str]:
    """What `proxy=` is for the way."""
    if way == "straight":
        yield ""
        return
    proxy = Proxy()
    try:
        yield proxy.url
        assert proxy.heads
    finally:
        proxy.close()


def exchanged(url: str, verify: Any, *, proxy: str = "", timeout: float = 10.0, request: TokenRequest = ASK) -> Token:
    options = AuthorityOptions.settled(url, verify, proxy, timeout)
    exchange = FederatedExchange(options, client_id="c", who="us")
    return exchange.token(request, f"{url}/tenant/oauth2/v2.0/token", "head.body.sign")


@WAYS
@pytest.mark.parametrize(
    "request_",
    [
        ASK,
        TokenRequest((SCOPE,), claims=CHALLENGE),
        TokenRequest((SCOPE,), enable_cae=True),
        TokenRequest((SCOPE,), claims=CHALLENGE, enable_cae=True),
        TokenRequest((SCOPE, "api://app/other")),
    ],
)
def test_it_sends_what_msal_sends(entra: stub.Service, ca: str, way: str, request_: TokenRequest) -> None:
    ClientAssertion("tenant", "c", lambda: "head.body.sign", authority=entra.url, verify=ca).acquire(request_)
    with tunnel(way) as proxy:
        assert exchanged(entra.url, ca, proxy=proxy, request=request_) == "access-token"
    msals, ours = entra.seen("/token")
    forms = [{**asked.form, "claims": json.loads(asked.form.get("claims", "{}"))} for asked in (msals, ours)]
    assert forms[0].pop("client_info") == "1"  # wants an account back, which an application has none of
    assert {name: value.split() if name == "scope" else value for name, value in forms[0].items()} == {
        name: value.split() if name == "scope" else value for name, value in forms[1].items()
    }
    assert (ours.method, ours.path, ours.query) == (msals.method, msals.path, msals.query)
    assert ours.headers["host"] == msals.headers["host"]


@WAYS
@pytest.mark.parametrize("name", stub.UNUSABLE)
def test_no_usable_answer(entra: stub.Service, ca: str, way: str, name: str) -> None:
    fault = stub.UNUSABLE[name]
    entra.on("/token", fault)
    with tunnel(way) as proxy, pytest.raises(AuthorityUnavailable) as caught:
        exchanged(entra.url, ca, proxy=proxy)
    if fault.status in (429, 500, 503):
        after = fault.headers.get("Retry-After")
        assert (caught.value.status, caught.value.retry_after) == (fault.status, float(after) if after else None)
    assert "head.body.sign" not in str(caught.value)
    assert len(entra.requests) == 1


@pytest.mark.parametrize(
    ("way", "fault"), [("straight", "reset"), ("straight", "hang"), ("straight", "drip"), ("proxy", "drip")]
)
def test_a_sick_network(entra: stub.Service, ca: str, way: str, fault: str) -> None:
    entra.on("/token", stub.Reply(act=getattr(entra, fault)))
    with tunnel(way) as proxy, pytest.raises(AuthorityUnavailable, match="cannot be reached"):
        exchanged(entra.url, ca, proxy=proxy, timeout=0.5)
    entra.on("/token", stub.granted())
    for _ in range(20):  # half a second may be too little for a machine that is busy
        with suppress(AuthorityUnavailable):
            assert exchanged(entra.url, ca) == "access-token"
            break
    else:
        raise AssertionError("it does not recover")


def test_who_is_not_there_and_who_is_somebody_else(entra: stub.Service, ca: str) -> None:
    with pytest.raises(AuthorityUnavailable, match="refused"):
        exchanged("https://127.0.0.1:1", ca)
    with pytest.raises(AuthorityUnavailable, match=r"certificate is not trusted .* verify="):
        exchanged(entra.url, True)
    with stub.running(tls=False) as plain, pytest.raises(AuthorityUnavailable, match="cannot be reached"):
        exchanged(plain.url.replace("http:", "https:"), ca)
    assert entra.requests == []
    with pytest.raises(ConfigurationError, match="/nowhere"):
        exchanged(entra.url, "/nowhere")


def test_a_certificate_for_another_name(ca: str) -> None:
    with stub.running(tls=True, certificate=stub.CA.issue_cert("elsewhere.example")) as somebody:
        with pytest.raises(AuthorityUnavailable, match="certificate is not trusted"):
            exchanged(somebody.url, ca)
        assert somebody.requests == []


class OthersContext(ssl.SSLContext):
    """As truststore's: its method wants text."""

    def wrap_socket(self, *args: Any, server_hostname: Any = None, **kwargs: Any) -> Any:
        return super().wrap_socket(*args, server_hostname=server_hostname.encode().decode(), **kwargs)


@WAYS
def test_a_context_of_somebody_else_s_that_http_2_is_spoken_with_too(entra: stub.Service, ca: str, way: str) -> None:
    context = OthersContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    entra.server.socket.context.set_alpn_protocols(["h2", "http/1.1"])  # type: ignore[attr-defined] # TLS's
    spoken = []

    def note(handler: Any) -> None:
        spoken.append(handler.connection.selected_alpn_protocol())
        handler.wfile.write(b'HTTP/1.1 200 OK\r\n\r\n{"access_token": "t", "expires_in": 3600}')

    entra.on("/token", stub.Reply(act=note))
    with tunnel(way) as proxy:
        assert exchanged(entra.url, context, proxy=proxy) == "t"
    assert spoken == ["http/1.1"]


def test_a_proxy_that_refuses(entra: stub.Service, ca: str) -> None:
    proxy = Proxy()
    proxy.answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    try:
        with pytest.raises(AuthorityUnavailable, match="proxy refused"):
            exchanged(entra.url, ca, proxy=proxy.url)
    finally:
        proxy.close()
    assert not entra.requests
