"""What a request says before anything of it is believed, and how it is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

__all__ = ["Head", "Refused"]

_MOST_PARAMETERS = 16


class Refused(Exception):
    """The request gets no token.

    Args:
        status: HTTP status of the answer.
        message: For whoever asked: why, and what to do; no secret, and nothing of the request's own text.
        code: An OAuth-like code, where the form of the answer has one.
        noted: A few words for the person who runs the endpoint; None: nothing that they need to know.
    """

    def __init__(self, status: int, message: str, *, code: str = "invalid_request", noted: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.noted = noted


@dataclass(frozen=True)
class Head:
    """A request without its body, which none may have.

    Args:
        method: As it was sent.
        target: The whole target; it holds a secret where the path is one.
        headers: Names in lower case.
    """

    method: bytes
    target: bytes = field(repr=False)
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)

    @property
    def path(self) -> bytes:
        """The target up to its question mark, as it was sent: nothing is decoded, nothing normalised."""
        return self.target.partition(b"?")[0]

    def values(self, name: bytes) -> list[bytes]:
        """Every value of this header."""
        return [value for each, value in self.headers if each == name]

    @property
    def has_body(self) -> bool:
        """Whether one was announced."""
        lengths = self.values(b"content-length")
        return bool(self.values(b"transfer-encoding")) or any(length.strip(b"0") for length in lengths)

    def query(self) -> dict[str, str]:
        """The parameters.

        Raises:
            Refused: They cannot be read, or one is there twice: who reads the first and who the second would disagree.
        """
        text = self.target.partition(b"?")[2]
        try:
            pairs = parse_qsl(
                text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
            )
        except ValueError:
            raise Refused(400, "The query cannot be read.") from None
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Refused(400, "A query parameter was given more than once.")
        return found
