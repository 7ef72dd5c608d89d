"""`python bench/load.py SECONDS ROUNDS`: asks for one token after the other over a kept connection; facts on stdin.

It says when it is warm and waits for a line; then it writes, for each round, how many answers came and in how long. It
sends bytes that were made beforehand and looks only at what it must, so that the service is what is measured.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from urllib.parse import urlencode, urlsplit

from service import Facts

_WARM = 3.0  # seconds: time for the service to see that there is a crowd


def main(seconds: float, rounds: int) -> None:
    facts = Facts.from_json(sys.stdin.readline())
    address = urlsplit(facts.token_endpoint)
    request = _request(facts, address.netloc, address.path)
    context = ssl.create_default_context(cafile=facts.ca_file)
    with (
        socket.create_connection(("127.0.0.1", address.port or 443)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _one_round(line, request, _WARM)
        print("warm", flush=True)
        sys.stdin.readline()
        print(json.dumps([_one_round(line, request, seconds) for _ in range(rounds)]), flush=True)


def _one_round(line: ssl.SSLSocket, request: bytes, seconds: float) -> tuple[int, float]:
    start, answers = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        line.sendall(request)
        _answer(line)
        answers += 1
    return answers, time.perf_counter() - start


def _answer(line: ssl.SSLSocket) -> None:
    data, end = b"", 0
    while not end or len(data) < end:
        more = line.recv(65_536)
        if not more:
            raise ConnectionError("the service closed the connection")
        data += more
        head, _, _ = data.partition(b"\r\n\r\n")
        if not end and len(head) < len(data):
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(head.decode())
            _, _, rest = head.lower().partition(b"content-length: ")
            end = len(head) + 4 + int(rest.partition(b"\r\n")[0])


def _request(facts: Facts, host: str, path: str) -> bytes:
    form = {"grant_type": "client_credentials", "client_id": facts.client_id, "client_secret": facts.client_secret}
    body = urlencode({**form, "scope": facts.scope})
    head = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/x-www-form-urlencoded"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
