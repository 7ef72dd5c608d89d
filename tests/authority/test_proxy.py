"""Through a real CONNECT proxy on loopback."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from authority import stub
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.errors import AuthorityUnavailable, ConfigurationError
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASK = TokenRequest(("api://app/.default",))


class Proxy:
    """Notes what is asked of it, and tunnels or refuses."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:p%40ss@127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.heads.append(head.decode())
            client.sendall(self.answer)
            if b" 200 " not in self.answer:
                client.close()
                continue
            host, _, port = head.split()[1].decode().partition(":")
            server = socket.create_connection((host, int(port)))
            for one, other in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pump, args=(one, other), daemon=True)
                self.threads.append(thread)
                thread.start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with one:
            try:
                while data := one.recv(65536):
                    other.sendall(data)
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(30)


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
