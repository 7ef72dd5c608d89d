"""The short way answers as the long way does, and takes nothing that is not plain."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import jwt
import pytest

from entra_tokens.emulator.shortcut import token_shortcut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

    from .conftest import Caller


class Line:
    """Bytes to the authority and back."""

    def __init__(self, e: Emulator) -> None:
        self.e = e
        port = int(e.authority.rpartition(":")[2])
        context = ssl.create_default_context(cafile=e.ca_file)
        self._socket = context.wrap_socket(
            socket.create_connection(("localhost", port), 10), server_hostname="localhost"
        )
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def request(self, *more: str, host: str = "localhost", path: str = "", **form: str) -> bytes:
        fields = {
            "grant_type": "client_credentials",
            "client_id": self.e.client_id,
            "client_secret": self.e.client_secret,
            "scope": self.e.h2ogpte_scope,
            **form,
        }
        body = urlencode(fields)
        head = [
            f"POST {path or f'/{self.e.tenant_id}/oauth2/v2.0/token'} HTTP/1.1",
            f"Host: {host}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            *more,
        ]
        return "\r\n".join([*head, "", body]).encode()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.send(data)
        return self.answer()


@pytest.fixture
def line(e: Emulator) -> Iterator[Line]:
    made = Line(e)
    yield made
    made.close()


def is_short(e: Emulator, data: bytes) -> bool:
    return token_shortcut(e._world)(data) is not None


def test_both_ways_answer_alike(e: Emulator, line: Line) -> None:
    plain = line.request("client-request-id: mine", "return-client-request-id: true")
    assert is_short(e, plain)
    short_status, short_headers, short = line.ask(plain)
    with e.fail("token", status=500, client_id="nobody"):  # in nobody's way, but there
        assert not is_short(e, plain)
        long_status, long_headers, long = line.ask(plain)
    assert short_status == long_status == 200
    moving = {"x-ms-request-id", "date", "content-length"}
    assert {k: v for k, v in short_headers.items() if k not in moving} == {
        k: v for k, v in long_headers.items() if k not in moving
    }
    assert short_headers["client-request-id"] == "mine"
    assert set(short_headers) == set(long_headers)
    assert short != long
    records = e.token_requests[-2:]
    assert [record.path for record in records] == [f"/{e.tenant_id}/oauth2/v2.0/token"] * 2
    assert records[0].form == records[1].form
    assert records[0].headers == records[1].headers
    assert [record.status for record in records] == [200, 200]


def test_a_connection_serves_both_in_turn(e: Emulator, line: Line) -> None:
    for form, status in (({}, 200), ({"client_secret": "wrong"}, 401), ({}, 200), ({"scope": "x"}, 400), ({}, 200)):
        assert line.ask(line.request(**form))[0] == status  # type: ignore[arg-type]
    assert [record.status for record in e.token_requests] == [200, 401, 200, 400, 200]


def test_what_comes_in_pieces_or_together(e: Emulator, line: Line) -> None:
    plain = line.request()
    line.send(plain[:100])
    line.send(plain[100:])
    assert line.answer()[0] == 200
    line.send(plain + plain)
    assert [line.answer()[0], line.answer()[0]] == [200, 200]
    assert line.ask(plain)[0] == 200
    assert len(e.token_requests) == 4


@pytest.mark.parametrize(
    ("more", "host", "status"),
    [
        (["Connection: keep-alive"], "localhost:443", 200),
        (["Connection: close"], "localhost", 200),
        (["X-Twice: 1", "X-Twice: 2"], "localhost", 200),
        (["X-Odd: \0"], "localhost", 400),
        (["Bad Name: 1"], "localhost", 400),
        (["Transfer-Encoding: gzip"], "localhost", 400),
        ([], "rebound.example", 421),
    ],
    ids=str,
)
def test_what_is_not_plain_goes_the_long_way(e: Emulator, line: Line, more: list[str], host: str, status: int) -> None:
    data = line.request(*more, host=host)
    assert is_short(e, data) is (more == ["Connection: keep-alive"])
    assert line.ask(data)[0] == status


@pytest.mark.parametrize(
    "change",
    [
        (b"POST ", b"GET "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"/oauth2/v2.0/token", b"/oauth2/v2.0/devicecode"),
        (b"/oauth2/v2.0/token", b"/oauth2/v2.0/token?x=1"),
        (b"/oauth2/v2.0/token", b"/oauth2/v2.0/tok%65n"),
        (b"Content-Length: ", b"Content-Length: 1"),
        (b"client_credentials", b"refresh_token_____"),
        (b"x-www-form-urlencoded", b"json"),
    ],
    ids=str,
)
def test_what_is_another_request_is_not_taken(e: Emulator, line: Line, change: tuple[bytes, bytes]) -> None:
    assert is_short(e, line.request())
    assert not is_short(e, line.request().replace(*change, 1))


def test_the_v1_endpoint_is_short_too(e: Emulator, line: Line) -> None:
    data = line.request(path=f"/{e.tenant_id}/oauth2/token", resource="https://vault.azure.net")
    assert is_short(e, data)
    assert b'"expires_on":"' in line.ask(data)[2]


def test_latency_is_kept(e: Emulator, line: Line) -> None:
    e._world.latency = 0.001
    assert not is_short(e, line.request())
    assert line.ask(line.request())[0] == 200


def test_a_client_that_proves_itself_by_assertion(e: Emulator, line: Line) -> None:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    data = line.request(client_assertion=e.federated_token(), client_assertion_type=kind)
    assert is_short(e, data)


def test_a_spent_fault_is_in_nobodys_way(e: Emulator, caller: Caller, line: Line) -> None:
    e.fail("token", status=503, times=1)
    assert [line.ask(line.request())[0] for _ in range(3)] == [503, 200, 200]
    assert is_short(e, line.request())
    assert jwt.get_unverified_header(caller.access_token())["alg"] == "RS256"
