"""Record: what `dataclasses.dataclass(frozen=True)` would be, for the little that is needed of it."""

from __future__ import annotations

import copy
import pickle

import pytest

from entra_tokens import Token
from entra_tokens.authority.managed_identity.app_service import AppService
from entra_tokens.authority.managed_identity.app_service_2017 import AppService2017
from entra_tokens.authority.managed_identity.service_fabric import ServiceFabric
from entra_tokens.authority.redact import Secrets
from entra_tokens.authority.seen import Seen
from entra_tokens.authority.wire import Reply
from entra_tokens.credentials.prompt import DeviceCodePrompt
from entra_tokens.credentials.proof import Shown
from entra_tokens.credentials.sign_in import SignIn
from entra_tokens.record import Record
from entra_tokens.stores.protocol import Stored
from entra_tokens.stores.records import KeptSignIn


class Pair(Record):
    """A kind of record with a secret."""

    name: str
    secret: str

    _hidden = ("secret",)

    def __init__(self, name: str, secret: str = "s3cret") -> None:
        self._set(name=name, secret=secret)


class Twin(Pair):
    """Another kind with the same fields."""


def test_equal_where_kind_and_fields_are() -> None:
    assert Pair("a") == Pair("a", "s3cret")
    assert hash(Pair("a")) == hash(Pair("a", "s3cret"))
    assert Pair("a") != Pair("a", "other")  # what repr hides counts, too
    assert Pair("a") != Twin("a")
    assert Pair("a") != ("a", "s3cret")


def test_the_secret_does_not_show() -> None:
    assert repr(Pair("a")) == "Pair(name='a')"
    assert repr(Twin("a")) == "Twin(name='a')"


@pytest.mark.parametrize("name", ["name", "secret", "another"])
def test_nothing_of_it_changes(name: str) -> None:
    pair = Pair("a")
    with pytest.raises(AttributeError, match=f"Pair is immutable; {name} cannot be set"):
        setattr(pair, name, "x")
    with pytest.raises(AttributeError, match=f"Pair is immutable; {name} cannot be deleted"):
        delattr(pair, name)
    assert pair == Pair("a")


def test_the_same_with_other_values() -> None:
    assert Twin("a").replaced(secret="x") == Twin("a", "x")
    with pytest.raises(TypeError, match="nmae"):
        Twin("a").replaced(nmae="x")


def test_it_is_taken_apart_as_a_dataclass_is() -> None:
    match Twin("a", "x"):
        case Pair(name, secret):
            assert (name, secret) == ("a", "x")
    assert Pair("a").__replace__(name="b") == Pair("b")


def test_it_travels() -> None:
    pair = Pair("a", "x")
    assert pickle.loads(pickle.dumps(pair)) == pair
    assert copy.deepcopy(pair) == copy.copy(pair) == pair


SECRET = "MARKER-s3cret"
HOLDERS: list[Record] = [
    AppService("http://host", SECRET),
    AppService2017("http://host", SECRET),
    DeviceCodePrompt(SECRET, "https://host", 1.0, f"enter {SECRET}"),
    KeptSignIn(SECRET, "who", "ada", frozenset({"ada"}), 1.0),
    Reply(200, {}, SECRET.encode()),
    Seen({"access_token": SECRET}, 200, None, 1.0),
    ServiceFabric("https://host", SECRET, "ab" * 20),
    Shown(SECRET, Secrets((SECRET,))),
    SignIn(SECRET, "ada"),
    Stored(Token(SECRET, expires_on=1.0), 1.0),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_whatever_holds_a_secret_does_not_show_it(holder: Record) -> None:
    assert "MARKER" not in f"{holder!r} {holder} {[holder]}"
