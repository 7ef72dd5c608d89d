"""What the tests of the endpoint have in common: raw requests over real sockets."""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

__all__ = ["Reply", "address_of", "raw", "request"]

RESOURCE = "api://h2ogpte"


class Reply(NamedTuple):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


def address_of(environ: dict[str, str]) -> tuple[str, int]:
    """Host and port that the variables lead to."""
    parts = urlsplit(environ.get("IDENTITY_ENDPOINT") or environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"])
    return parts.hostname or "", parts.port or 0


def raw(environ: dict[str, str], sent: bytes, *, timeout: float = 20) -> bytes:
    """Send this, and read until the endpoint closes."""
    with socket.create_connection(address_of(environ), timeout=timeout) as client:
        client.sendall(sent)
        received = b""
        while more := client.recv(65536):
            received += more
    return received


def request(environ: dict[str, str], **changed: str | None) -> bytes:
    """A good request, with some parts changed: `method`, `path`, `query`, or headers (None: left out)."""
    host, port = address_of(environ)
    imds = "AZURE_POD_IDENTITY_AUTHORITY_HOST" in environ
    if imds:
        prefix = urlsplit(environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"]).path
        path, version, headers = prefix + "/metadata/identity/oauth2/token", "2018-02-01", {"Metadata": "true"}
    else:
        path, version = "/msi/token", "2019-08-01"
        headers = {"X-IDENTITY-HEADER": environ["IDENTITY_HEADER"]}
    method = changed.pop("method", "GET")
    path = changed.pop("path", None) or path
    query = changed.pop("query", f"api-version={version}&resource={RESOURCE}")
    given: dict[str, str | None] = {"Host": f"{host}:{port}", **headers, **changed}
    lines = [f"{method} {path}?{query} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def reply(received: bytes) -> Reply:
    """The answer in these bytes, all of them."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert len(lines) == len(headers), "a header twice"
    assert int(headers["content-length"]) == len(body) or not body
    return Reply(int(status.split()[1]), headers, json.loads(body) if body else {})
