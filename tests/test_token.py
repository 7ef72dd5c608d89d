"""Token: a string that knows when to be renewed and never shows itself."""

from __future__ import annotations

import base64
import copy
import json
import math
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

from entra_tokens import ConfigurationError, Token

SECRET = "eyJ0eXAi.SECRET.x"


def token(value: str = SECRET, **options: Any) -> Token:
    return Token(value, **({"expires_on": 2_000_000_000} | options))


def test_it_is_a_real_string() -> None:
    """`Token` is a `str` (a real subclass: `"Bearer " + t`, `json.dumps`, `isinstance(t, str)` all work)."""
    t = token()
    assert isinstance(t, str)
    assert "Bearer " + t == f"Bearer {t}" == f"Bearer {SECRET}"
    assert json.dumps([t]) == f'["{SECRET}"]'
    assert t == SECRET
    assert hash(t) == hash(SECRET)
    assert {SECRET: 1}[t] == 1
    assert type(str(t)) is str
    assert t.encode() == SECRET.encode()
    assert ",".join([t]) == SECRET
    assert t.split(".")[0] == "eyJ0eXAi"


def test_it_says_when_and_for_what() -> None:
    """with `expires_on`, `refresh_on` (epoch seconds, float), `scopes`, `exp` (aware UTC `datetime`), `scope`."""
    t = token(refresh_on=1_999_999_000, scopes=["a/.default", "b"])
    assert (t.expires_on, t.refresh_on) == (2e9, 1_999_999_000.0)
    assert type(t.expires_on) is type(t.refresh_on) is float
    assert t.scopes == ("a/.default", "b")
    assert t.scope == "a/.default b"
    assert t.exp == datetime(2033, 5, 18, 3, 33, 20, tzinfo=timezone.utc)
    assert t.exp.utcoffset() is not None
    bare = token()
    assert bare.refresh_on is None
    assert bare.scopes == ()
    assert bare.scope == ""
    assert token(scopes="one").scopes == ("one",)


@pytest.mark.parametrize(
    "value",
    ["", "a\nb", "a\r\nX: y", "a\n", "\ta", "a\x00", "a\x7f", "tok\u00e9n", "\u2028", "a\x85b"],
)
def test_what_is_not_one_line_of_printable_ascii_is_no_token(value: str) -> None:
    """An answer that is not one line of printable ASCII is an error, never a token (it would inject headers)."""
    with pytest.raises(ConfigurationError, match="one non-empty line of printable ASCII") as caught:
        token(value)
    assert value.strip() == "" or value not in str(caught.value)


@pytest.mark.parametrize("value", [None, b"bytes", 7, ["t"]])
def test_what_is_not_text_is_no_token(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="A token must be a str, not"):
        token(value)


@pytest.mark.parametrize("name", ["expires_on", "refresh_on"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "3600", True, b"1", [1]])
def test_an_instant_must_be_a_finite_number(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be epoch seconds"):
        token(**{name: value})


def test_expires_on_is_needed() -> None:
    with pytest.raises(TypeError, match="expires_on"):
        Token(SECRET)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError):
        token(expires_on=None)


def test_it_is_immutable() -> None:
    t = token()
    for name in ("expires_on", "refresh_on", "scopes", "_shapes", "anything"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(t, name, 1)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(t, name)
    assert not hasattr(t, "__dict__")


def test_repr_never_shows_the_secret() -> None:
    """`repr()` never shows the secret."""
    t = token(scopes=["api://app/.default"])
    assert repr(t) == "Token(<hidden>, expires_on=2000000000, scopes=('api://app/.default',))"
    for shown in (repr([t]), repr({"t": t}), f"{t!r}", f"{[t]}", "%r" % t, "{!a}".format(t)):  # noqa: UP031, UP032
        assert "SECRET" not in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_does_not_pickle(protocol: int) -> None:
    """It does not pickle."""
    for thing in (token(), [token()], {"t": token()}):
        with pytest.raises(TypeError, match=r"does not pickle.*Send the provider"):
            pickle.dumps(thing, protocol)


def test_copies_are_itself() -> None:
    """Copies are itself."""
    t = token()
    assert copy.copy(t) is t
    assert copy.deepcopy(t) is t
    assert copy.deepcopy([t])[0] is t


def jwt(payload: bytes) -> str:
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"none"}', payload, b"s"))


def test_claims_decodes_without_verifying() -> None:
    """`claims()` decodes without verifying."""
    for payload in ({"aud": "x"}, {"aud": "xy", "n": 1}, {"aud": "xyz", "name": "Zoë"}, {}):
        assert token(jwt(json.dumps(payload).encode())).claims() == payload


@pytest.mark.parametrize(
    "value",
    [
        "no-jwt-at-all",
        "a.b",
        "a.b.c.d",
        "a.!!!.c",
        "a.b.c",
        jwt(b"[1]"),
        jwt(b"not json"),
        jwt(b'"text"'),
        jwt(b"\xff\xfe"),
    ],
)
def test_claims_of_an_opaque_token_is_a_value_error_that_shows_nothing(value: str) -> None:
    with pytest.raises(ValueError, match="This token is opaque") as caught:
        token(value).claims()
    assert value not in str(caught.value)
    assert caught.value.__cause__ is None
