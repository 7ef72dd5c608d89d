"""What is taken for an answer is what `http.client` takes for one, and what is no whole answer is refused."""

from __future__ import annotations

import http.client
import io
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_tokens.authority.wire import NotHttp, Reply, TooLarge, read_reply, request_bytes

OK = b"HTTP/1.1 200 OK\r\n"
GOOD = {
    "length": OK + b"Content-Length: 4\r\n\r\nbodymore",
    "no length": OK + b"A: b\r\n\r\nbody\r\n\r\n",
    "old": b"HTTP/1.0 404 Not Found\r\n\r\n{}",
    "no reason": b"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n",
    "empty reason": b"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    "continue": b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na",
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n",
    "chunks before length": OK + b"Transfer-Encoding: CHUNKED\r\nContent-Length: 9\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "blanks": OK + b"Name:   a b \t\r\nempty:\r\nContent-Length:1\r\n\r\na",
    "twice the same length": OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "latin": OK + b"X: \xe4\r\nContent-Length: 0\r\n\r\n",
    "largest": OK + b"Content-Length: 1048576\r\n\r\n" + b"x" * (1 << 20),
}
BAD = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "http/2": b"HTTP/2 200\r\n\r\n",
    "no number": b"HTTP/1.1 OK\r\n\r\n",
    "long number": b"HTTP/1.1 2000 OK\r\n\r\n",
    "small number": b"HTTP/1.1 042 OK\r\n\r\n",
    "digits of others": "HTTP/1.1 \uff12\uff10\uff10 OK\r\n\r\n".encode(),
    "breaks off in the head": OK + b"Content-Length: 4",
    "breaks off after it": OK + b"Content-Length: 4\r\n",
    "breaks off in the body": OK + b"Content-Length: 4\r\n\r\nbod",
    "no name": OK + b": x\r\n\r\n",
    "no colon": OK + b"what\r\n\r\n",
    "blank before the colon": OK + b"Content-Length : 1\r\n\r\na",
    "going on with nothing": OK + b" x: y\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "negative length": OK + b"Content-Length: -1\r\n\r\n",
    "length in words": OK + b"Content-Length: four\r\n\r\nbody",
    "length for ever": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunk without size": OK + b"Transfer-Encoding: chunked\r\n\r\nabc\r\n",
    "chunk with sign": OK + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    "chunk that breaks off": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "chunk that is longer": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    "headers for ever": OK + b"A: b\r\n" * 40000 + b"\r\n",
    "a line for ever": OK + b"A: " + b"b" * (1 << 17) + b"\r\n\r\n",
}
HUGE = {
    "by length": OK + b"Content-Length: 1048577\r\n\r\n" + b"x" * ((1 << 20) + 1),
    "without length": OK + b"\r\n" + b"x" * ((1 << 20) + 1),
    "by chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n" + b"x" * ((1 << 20) + 1),
    "by chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + (b"80000\r\n" + b"x" * 0x80000 + b"\r\n") * 3,
}


def read(answer: bytes) -> Reply:
    return read_reply(io.BytesIO(answer).read1)


def by_http_client(answer: bytes) -> tuple[int, bytes]:
    class Socket:
        def makefile(self, mode: str) -> Any:
            return io.BytesIO(answer)

    response = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
    response.begin()
    return response.status, response.read()


@pytest.mark.parametrize("name", GOOD)
def test_what_is_an_answer(name: str) -> None:
    found = read(GOOD[name])
    assert (found.status, found.body) == by_http_client(GOOD[name])


def test_headers() -> None:
    found = read(GOOD["blanks"]).headers
    assert found == {"name": "a b", "empty": "", "content-length": "1"}
    assert read(OK + b"A: b\r\n\tc\r\nContent-Length: 0\r\n\r\n").headers["a"] == "b c"


@pytest.mark.parametrize("name", BAD)
def test_what_is_none(name: str) -> None:
    with pytest.raises(NotHttp):
        read(BAD[name])


@pytest.mark.parametrize("name", HUGE)
def test_what_is_too_large(name: str) -> None:
    with pytest.raises(TooLarge):
        read(HUGE[name])


_CHANGES = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 3), st.binary(max_size=1)), max_size=4)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(name=st.sampled_from([name for name in GOOD if name != "largest"]), changes=_CHANGES)
def test_whatever_comes_it_ends_in_one_of_three_ways(name: str, changes: list[tuple[int, int, bytes]]) -> None:
    """Good answers with bytes put in, taken out and put in another's place."""
    answer = GOOD[name]
    for where, removed, put in changes:
        at = where % (len(answer) + 1)
        answer = answer[:at] + put + answer[at + removed :]
    with suppress(NotHttp, TooLarge):
        assert 200 <= read(answer).status <= 999


def test_a_request() -> None:
    sent = request_bytes("localhost:1", "/a?b=c", {"Metadata": "true"})
    assert sent.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: localhost:1\r\n")
    assert sent.endswith(b"\r\nMetadata: true\r\n\r\n")
    assert b"Connection: close\r\n" in sent
    posted = request_bytes("h", "/", {}, b"x=y")
    assert posted.startswith(b"POST / ")
    assert posted.endswith(b"Content-Length: 3\r\n\r\nx=y")


@pytest.mark.parametrize(
    ("host", "target", "headers"),
    [
        ("h", "/a b", {}),
        ("h", "/\r\nX: y", {}),
        ("h", "/ä", {}),
        ("h\r\nX: y", "/", {}),
        ("h", "/", {"secret": "a\r\nX: y"}),
        ("h", "/", {"secret": "MARKER\n"}),
        ("h", "/", {"a\nb": "x"}),
    ],
)
def test_nothing_is_smuggled_into_a_request(host: str, target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="holds characters") as caught:
        request_bytes(host, target, headers)
    assert "MARKER" not in str(caught.value)
