"""What answers say: how long a token lives, how long to keep quiet, and why not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from entra_tokens.authority.aadsts import explain
from entra_tokens.authority.answers import to_token
from entra_tokens.authority.failures import refusal
from entra_tokens.authority.guard import guarded
from entra_tokens.authority.redact import redact
from entra_tokens.authority.retry_after import parse_retry_after
from entra_tokens.errors import AuthenticationFailed, AuthorityUnavailable, ConfigurationError, InvalidCredential

NOW = 1_750_000_000.25
JWT = f"e30.{base64.urlsafe_b64encode(json.dumps({'exp': 1_750_001_000}).encode()).decode().rstrip('=')}.sig"

LIVES = [
    ({"expires_in": 3600}, NOW + 3600),
    ({"expires_in": "3600"}, NOW + 3600),
    ({"expires_in": " 3600 "}, NOW + 3600),
    ({"expires_in": 3600.5}, NOW + 3600.5),
    ({"expires_in": "3600.5"}, NOW + 3600.5),
    ({"expires_in": 1}, NOW + 1),
    ({"expires_in": 86400, "expires_on": "1"}, NOW + 86400),
    ({"expires_in": "junk", "expires_on": "1750003600"}, 1_750_003_600),
    ({"expires_in": None, "expires_on": 1750003600}, 1_750_003_600),
    ({"expires_in": True, "expires_on": 1750003600.5}, 1_750_003_600.5),
    ({"expires_in": float("nan"), "expires_on": 1750003600}, 1_750_003_600),
    ({"expires_on": "3599"}, NOW + 3599),
    ({"expires_on": "6/15/2025 4:06:40 PM +00:00"}, 1_750_003_600),
    ({"expires_on": "06/15/2025 16:06:40 +00:00"}, 1_750_003_600),
    ({"expires_on": "06/15/2025 16:06:40"}, 1_750_003_600),
    ({"expires_on": "06/15/2025 18:06:40 +02:00"}, 1_750_003_600),
    ({"expires_on": "06/15/2025 12:36:40 -03:30"}, 1_750_003_600),
    ({"expires_on": "6/16/2025 12:06:40 AM +00:00"}, 1_750_032_400),
    ({"expires_on": "2025-06-15T16:06:40Z"}, 1_750_003_600),
    ({"expires_on": "2025-06-15T16:06:40.0000000+00:00"}, 1_750_003_600),
    ({"expires_on": "2025-06-15T18:06:40+02:00"}, 1_750_003_600),
    ({"expires_on": "13/45/2025 99:06:40"}, 1_750_001_000),
    ({"expires_on": "tomorrow"}, 1_750_001_000),
    ({}, 1_750_001_000),
]


@pytest.mark.parametrize(("answer", "expires_on"), LIVES, ids=str)
def test_a_life(answer: dict[str, Any], expires_on: float) -> None:
    token = to_token({"access_token": JWT, **answer}, ("s/.default",), asked_at=NOW, who="us")
    assert token.expires_on == expires_on


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"expires_in": 0}, "already expired"),
        ({"expires_in": -60}, "already expired"),
        ({"expires_on": "2001-01-01T00:00:00Z"}, "already expired"),
        ({"access_token": "opaque"}, "says when"),
        ({"access_token": "opaque", "expires_in": 10**400}, "says when"),
        ({"access_token": None}, "no access token"),
        ({"access_token": ["x"]}, "no access token"),
        ({"access_token": "a b\n", "expires_in": 9}, "printable"),
        ({"token_type": "mac", "expires_in": 9}, "bearer"),
        ({"token_type": 1, "expires_in": 9}, "bearer"),
    ],
)
def test_no_life(answer: dict[str, Any], text: str) -> None:
    with pytest.raises(AuthorityUnavailable, match=text) as caught:
        to_token({"access_token": JWT, **answer}, ("s/.default",), asked_at=NOW, who="us")
    assert str(caught.value).startswith("us: ")


@pytest.mark.parametrize(
    ("refresh_in", "refresh_on"),
    [
        (1800, NOW + 1800),
        ("1800", NOW + 1800),
        (1800.5, NOW + 1800.5),
        (0, None),
        (-1, None),
        ("soon", None),
        (None, None),
        (True, None),
        (3600, None),
        (10**9, None),
    ],
)
def test_refresh_in(refresh_in: Any, refresh_on: float | None) -> None:
    answer = {"access_token": JWT, "expires_in": 3600, "refresh_in": refresh_in}
    assert to_token(answer, ("s/.default",), asked_at=NOW, who="us").refresh_on == refresh_on


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (None, None, None),
        ("20", None, 20),
        (" 20 ", None, 20),
        ("1.5", None, 1.5),
        ("0", None, 0),
        ("-5", None, 0),
        ("1000000000", None, 1e9),
        ("9" * 19, None, None),
        ("", None, None),
        ("soon", None, None),
        ("Sun, 15 Jun 2025 15:07:40 GMT", None, 59.75),
        ("Sun, 15 Jun 2025 15:07:40 GMT", "Sun, 15 Jun 2025 15:07:20 GMT", 20),
        ("Sun, 15 Jun 2025 15:07:40 GMT", "junk", 59.75),
        ("Sun, 15 Jun 2025 15:07:40 -0000", None, 59.75),
        ("Sun, 15 Jun 2005 15:07:40 GMT", None, 0),
        ("Sun, 99 Jun 2025 15:07:40 GMT", None, None),
    ],
)
def test_retry_after(value: str | None, date: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW, date=date) == seconds


def test_the_table_explains_and_is_whole() -> None:
    meaning = explain(7000215)
    assert meaning is not None
    assert "Secret ID" in meaning.remedy
    assert meaning.source.startswith("https://")
    assert explain(1) is None


def test_a_refusal_with_an_unknown_number_quotes_the_authority() -> None:
    text = "AADSTS9999999: Something\r\nnew. Trace ID: 1 Correlation ID: 2 Timestamp: 3"
    error = refusal({"error": "odd", "error_description": text}, who="us", status=400)
    assert error.message == (
        "us was refused: AADSTS9999999: Something new (odd). Ask whoever administers the tenant, and name the "
        "correlation id."
    )
    assert isinstance(error, AuthenticationFailed)
    assert error.codes == (9999999,)


@pytest.mark.parametrize(
    "answer",
    [
        {"error": 7, "error_description": None, "error_codes": "x", "claims": 3, "correlation_id": "a\nb"},
        {"error": {"code": "ManagedIdentityNotFound", "message": "m"}},
        {"error": "x" * 5000, "error_description": "y" * 50_000, "error_codes": [True]},
        {"message": "only this"},
    ],
)
def test_an_odd_refusal_is_still_one(answer: dict[str, Any]) -> None:
    error = refusal(answer, who="us", status=400)
    assert isinstance(error, AuthenticationFailed)
    assert len(str(error)) < 1000
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing here", "nothing here"),
        ("two\r\nlines", "two lines"),
        (f"token {JWT.replace('e30', 'eyJhbGciOiJub25lIn0')} end", "token <hidden> end"),
        ("opaque " + "Ab1_" * 25, "opaque <hidden>"),
        ("client_secret=abc&scope=x", "client_secret=<hidden>&scope=x"),
        ('{"device_code": "abc", "x": 1}', '{"device_code": "<hidden>", "x": 1}'),
        ("the secret s3cret+/ and s3cret%2B%2F", "the secret <hidden> and <hidden>"),
    ],
)
def test_redaction(text: str, shown: str) -> None:
    assert redact(text, "s3cret+/", "") == shown


def test_the_guard_lets_no_frame_through() -> None:
    def own() -> None:
        secret = "frame-s3cret"  # noqa: F841
        try:
            raise KeyError("k")
        except KeyError as error:
            raise InvalidCredential("no", codes=(1,)) from error

    with pytest.raises(InvalidCredential) as caught:
        guarded(own, who="us")
    assert caught.value == InvalidCredential("no", codes=(1,))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "own" not in [entry.name for entry in caught.traceback]

    def foreign() -> None:
        raise KeyError("k-s3cret")

    with pytest.raises(AuthorityUnavailable, match="KeyError") as wrapped:
        guarded(foreign, who="us")
    assert "s3cret" not in str(wrapped.value)
    assert wrapped.value.__context__ is None
    with pytest.raises(ConfigurationError):
        guarded(lambda: (_ for _ in ()).throw(ConfigurationError("x")), who="us")
