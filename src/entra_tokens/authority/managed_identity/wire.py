"""As much of HTTP/1.1 as one plain request to a local host needs (RFC 9112).

`http.client` loads TLS and the parser of e-mails: a quarter of the time to a first token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

__all__ = ["NotHttp", "Reply", "TooLarge", "read_reply", "request_bytes"]

_LARGEST = 1 << 20  # bytes of a body
_LONGEST = 1 << 16  # bytes of a line
_MOST = 100  # lines of headers


class NotHttp(Exception):
    """What came is no whole answer in HTTP. The text is ours and repeats nothing of it."""


class TooLarge(Exception):
    """The body is larger than 1 MiB."""


class Reply(NamedTuple):
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def request_bytes(host: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """A GET, or a POST where there is a body, after which the connection ends.

    Raises:
        ValueError: The target or a header holds what cannot stand there, such as a line break.
    """
    sent = {"Host": host, "Accept-Encoding": "identity", "Connection": "close", **headers}
    if body is not None:
        sent["Content-Length"] = str(len(body))
    if not target.isascii() or not target.isprintable() or " " in target:
        raise ValueError("the address holds characters that no address has")
    if not all(text.isascii() and text.isprintable() for pair in sent.items() for text in pair):
        raise ValueError("a header holds characters that no header has")
    method = "GET" if body is None else "POST"
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + (body or b"")


def read_reply(file: BinaryIO) -> Reply:
    """Read one answer.

    Raises:
        NotHttp: It is none, or breaks off.
        TooLarge: Its body is.
        OSError: The connection breaks, or time is over.
    """
    while (status := _status(_line(file))) < 200:  # "100 Continue" and the like come before the answer
        _headers(file)
    headers = _headers(file)
    return Reply(status, headers, _body(file, headers, status))


def _status(line: str) -> int:
    version, _, rest = line.partition(" ")
    number = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (number.isascii() and number.isdigit() and len(number) == 3):
        raise NotHttp("no status")
    if rest[3:4].strip() or number < "100":
        raise NotHttp("no status")
    return int(number)


def _headers(file: BinaryIO) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for _ in range(_MOST):
        line = _line(file)
        if not line:
            return found
        if line[0] in " \t" and name:  # an old way to go on with a long value (RFC 9112 §5.2)
            found[name] += " " + line.strip(" \t")
            continue
        name, mark, value = line.partition(":")
        name = name.lower()
        if not mark or not name or name != name.strip():
            raise NotHttp("a header without a name")
        if name == "content-length" and found.get(name, value.strip()) != value.strip():
            raise NotHttp("two lengths")
        found[name] = value.strip(" \t")
    raise NotHttp("too many headers")


def _body(file: BinaryIO, headers: Mapping[str, str], status: int) -> bytes:
    coding = headers.get("transfer-encoding", "").lower()
    if status in (204, 304):
        return b""
    if coding == "chunked":
        return _chunks(file)
    if coding and coding != "identity":
        raise NotHttp("an unknown coding")
    length = headers.get("content-length")
    if length is not None:
        return _exactly(file, _number(length, 10))
    body = file.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise TooLarge
    return body


def _chunks(file: BinaryIO) -> bytes:
    body = bytearray()
    while size := _number(_line(file).partition(";")[0].strip(), 16):
        if len(body) + size > _LARGEST:
            raise TooLarge
        body += _exactly(file, size)
        if _line(file):
            raise NotHttp("a chunk longer than it says")
    _headers(file)  # what may follow the last chunk
    return bytes(body)


def _exactly(file: BinaryIO, size: int) -> bytes:
    if size > _LARGEST:
        raise TooLarge
    body = file.read(size)
    if len(body) < size:
        raise NotHttp("it breaks off")
    return body


def _number(text: str, base: int) -> int:
    if not text.isascii() or not text.isalnum() or len(text) > 16:
        raise NotHttp("no length")
    try:
        return int(text, base)
    except ValueError:
        raise NotHttp("no length") from None


def _line(file: BinaryIO) -> str:
    line = file.readline(_LONGEST)
    if not line.endswith(b"\n"):
        raise NotHttp("it breaks off" if len(line) < _LONGEST else "a line without an end")
    return line.rstrip(b"\r\n").decode("latin-1")
