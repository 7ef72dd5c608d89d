"""Through a real CONNECT proxy on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authority import stub
from authority.tunnel import Proxy
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.errors import AuthorityUnavailable, ConfigurationError
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASK = TokenRequest(("api://app/.default",))


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    running = Proxy()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def entra() -> Iterator[stub.Service]:
    with stub.running(tls=True) as service:
        service.on("/token", stub.granted())
        yield service


def test_a_tunnel_with_the_users_name(entra: stub.Service, proxy: Proxy, tmp_path: Path) -> None:
    one = ClientSecret("t", "c", "s3cret", authority=entra.url, verify=stub.ca_file(tmp_path), proxy=proxy.url)
    assert one.acquire(ASK) == "access-token"
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT localhost:{entra.port} ")
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in head
    assert "s3cret" not in head


def test_a_proxy_that_refuses(entra: stub.Service, proxy: Proxy, tmp_path: Path) -> None:
    proxy.answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    one = ClientSecret("t", "c", "s3cret", authority=entra.url, verify=stub.ca_file(tmp_path), proxy=proxy.url)
    with pytest.raises(AuthorityUnavailable, match="proxy refused"):
        one.acquire(ASK)
    assert not entra.requests


def test_socks_needs_its_package() -> None:
    one = ClientSecret("t", "c", "s3cret", authority="https://localhost:1", proxy="socks5://127.0.0.1:1", verify=False)
    with pytest.raises((ConfigurationError, AuthorityUnavailable), match=r"socksio|reached"):
        one.acquire(ASK)
