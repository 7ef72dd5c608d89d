"""Whether a secret shows anywhere, and answers of an authority that repeat one."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

from authority import stub

SECRET = "MARKER-client+secret/value"
MARKERS = ("MARKER", SECRET, "MARKER-client%2Bsecret%2Fvalue")


def is_clean(text: str) -> bool:
    return not any(marker in text for marker in MARKERS)


def assert_nothing_shows(
    credential: Any, records: list[logging.LogRecord], error: BaseException | None = None, *more: str
) -> None:
    """No marker, and nothing of `more` (secrets that were made on the way), is in what anybody may come to see."""

    def is_clean(text: str) -> bool:
        found = [marker for marker in (*MARKERS, *more) if marker in text]
        assert not found, (found, text)
        return True

    assert is_clean(repr(credential))
    assert is_clean(str(credential))
    assert is_clean(repr(credential.identity))
    try:
        pickled = pickle.dumps(credential)
    except TypeError as refused:
        pickled = str(refused).encode()
    assert is_clean(repr(pickled))
    for record in records:
        formatted = logging.Formatter("%(name)s %(message)s").format(record)
        assert is_clean(formatted), f"{record.name} {record.levelname}"
        assert is_clean(repr(record.__dict__)), record.name
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        assert is_clean(str(error))
        assert is_clean(repr(error.args) + repr(vars(error)))
        assert is_clean("".join(traceback.format_exception(error)))
        assert is_clean(repr(pickle.dumps(error)))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "entra_tokens" in frame.f_code.co_filename:
                for name, value in frame.f_locals.items():
                    assert is_clean(repr(value)), f"{name} in {frame.f_code.co_name}"
        error = error.__cause__ or error.__context__


def failures(entra: stub.Service, sent: str = SECRET) -> dict[str, stub.Reply]:
    """Answers that repeat what was sent, and tokens and codes besides."""
    echo = f"AADSTS7000215: bad secret {sent} token eyJhbGciOiJNQVJLRVIifQ.MARKER-body.MARKER-sig code=MARKER-code"
    return {
        "refused": stub.Reply(401, {"error": "invalid_client", "error_description": echo, "error_codes": [7000215]}),
        "unknown": stub.Reply(400, {"error": "odd", "error_description": f"it was {sent}", "access_token": "MARKER-2"}),
        "in every field": stub.Reply(
            400, {"error": sent, "suberror": sent, "correlation_id": sent, "error_description": sent}
        ),
        "503": stub.Reply(503, sent.encode()),
        "HTML": stub.Reply(200, f"<html>{sent}".encode()),
        "expired": stub.granted("MARKER-token", expires_in=0),
        "two lines": stub.granted("MARKER-token\nX: y"),
        "reset": stub.Reply(act=entra.reset),
    }


NAMES = ("refused", "unknown", "in every field", "503", "HTML", "expired", "two lines", "reset")
