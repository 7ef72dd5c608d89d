from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest

from entra_tokens.acquiring import Acquiring, acquiring
from entra_tokens.credentials.static import StaticToken
from entra_tokens.errors import ConfigurationError, InvalidCredential
from entra_tokens.request import TokenRequest
from entra_tokens.testing import ManualClock
from entra_tokens.token import Token

ASK = TokenRequest(("api://app/.default",))


def jwt(**claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


def test_the_exp_claim_decides() -> None:
    token = StaticToken(jwt(exp=4102444800)).acquire(ASK)
    assert token == jwt(exp=4102444800)
    assert token.expires_on == 4102444800
    assert token.scopes == ASK.scopes


def test_a_given_expiry_wins() -> None:
    assert StaticToken(jwt(exp=1), expires_on=4102444800).acquire(ASK).expires_on == 4102444800
    assert StaticToken(Token("opaque", expires_on=4102444800)).acquire(ASK).expires_on == 4102444800


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("Bearer abc", "Bearer"),
        ("bearer abc", "Bearer"),
        ("opaque", "expires_on="),
        (jwt(sub="x"), "expires_on="),
        (None, "str"),
        ("", "expires_on="),
        (jwt(exp=4102444800) + "\nX: y", "printable"),
    ],
)
def test_bad_input(token: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        StaticToken(token)


def test_after_expiry() -> None:
    clock = ManualClock()
    one = StaticToken("opaque", expires_on=clock.wall() + 10)
    with acquiring(Acquiring(clock)):
        assert one.acquire(ASK) == "opaque"
        clock.advance(10)
        with pytest.raises(InvalidCredential, match="expired on"):
            one.acquire(ASK)


def test_it_shows_and_pickles_nothing() -> None:
    one = StaticToken("opaque-s3cret", expires_on=4102444800)
    assert "s3cret" not in repr(one) + repr(one.identity)
    assert one == StaticToken("opaque-s3cret", expires_on=4102444800)
    assert one != StaticToken("other", expires_on=4102444800)
    with pytest.raises(TypeError):
        pickle.dumps(one)
