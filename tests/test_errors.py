"""The errors: their tree, their equality, their copies and pickles."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

import entra_tokens
from entra_tokens import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    ConsentRequired,
    CredentialUnavailable,
    EntraTokensError,
    InteractionRequired,
    InvalidCredential,
    StoreError,
    TokenTimeout,
)
from entra_tokens.errors import GUIDE

DETAILS: dict[str, Any] = {
    "error": "invalid_client",
    "codes": (7000215,),
    "description": "AADSTS7000215: …",
    "suberror": "basic_action",
    "claims": "{}",
    "correlation_id": "c0ffee",
    "hint": "Make a new secret.",
}
ERRORS: list[EntraTokensError] = [
    EntraTokensError("plain"),
    CredentialUnavailable("not here"),
    AuthenticationFailed("no", **DETAILS),
    InteractionRequired("a person", **DETAILS),
    ConsentRequired("consent", **DETAILS),
    InvalidCredential("secret", **DETAILS),
    AuthorityUnavailable("down", retry_after=12.5, status=503),
    ConfigurationError("wrong"),
    TokenTimeout("late"),
    StoreError("disk"),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def test_every_error_is_in_the_list_above() -> None:
    public = {getattr(entra_tokens, name) for name in entra_tokens.__all__}
    kinds = {kind for kind in public if inspect.isclass(kind) and issubclass(kind, BaseException)}
    assert kinds == {type(error) for error in ERRORS}


TREE = {
    CredentialUnavailable: EntraTokensError,
    AuthenticationFailed: EntraTokensError,
    InteractionRequired: AuthenticationFailed,
    ConsentRequired: InteractionRequired,
    InvalidCredential: AuthenticationFailed,
    AuthorityUnavailable: EntraTokensError,
    ConfigurationError: EntraTokensError,
    TokenTimeout: EntraTokensError,
    StoreError: EntraTokensError,
}


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_the_tree(kind: type[EntraTokensError]) -> None:
    """The tree of errors."""
    assert kind.__bases__[0] is TREE[kind]


def test_two_are_also_what_python_has() -> None:
    """`ConfigurationError(ValueError)` · `TokenTimeout(TimeoutError)`."""
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(TokenTimeout, TimeoutError)


def test_attributes_are_the_interface() -> None:
    """`AuthenticationFailed(error, codes, description, suberror, claims, correlation_id, hint)` ·
    `AuthorityUnavailable(retry_after)`."""
    error = AuthenticationFailed("no", **DETAILS)
    assert {name: getattr(error, name) for name in DETAILS} == DETAILS
    assert AuthenticationFailed("no").codes == ()
    assert AuthorityUnavailable("down", retry_after=3).retry_after == 3
    assert AuthorityUnavailable("down").retry_after is None
    with pytest.raises(TypeError):
        AuthenticationFailed("no", reason="x")  # type: ignore[call-arg]


@each_error
def test_text_is_help(error: EntraTokensError) -> None:
    """The text is the message, then where the documents say more; no error of ours is without the latter."""
    assert error.message == error.args[0]
    assert str(error) == (f"{error.message}. See {GUIDE}#{error.anchor}." if error.anchor else error.message)
    assert (error.anchor is None) is (type(error) is EntraTokensError)
    assert type(error)().message == str(type(error)()) == ""


@each_error
def test_an_error_may_name_a_place_of_its_own(error: EntraTokensError) -> None:
    placed = type(error)("x.", anchor="elsewhere")
    assert str(placed) == f"x. See {GUIDE}#elsewhere."
    assert str(placed.copy()) == str(pickle.loads(pickle.dumps(placed))) == str(placed)
    assert placed != type(error)("x.")


def raised(error: EntraTokensError) -> EntraTokensError:
    try:
        try:
            raise OSError("cause")
        except OSError as cause:
            raise error from cause
    except EntraTokensError as caught:
        return caught


@each_error
def test_a_copy_is_equal_and_without_frames(error: EntraTokensError) -> None:
    """Each waiter gets its own equal instance (a shared one gathers every caller's frames)."""
    original = raised(error.copy())
    assert original.__traceback__ is not None
    twin = original.copy()
    assert twin == original
    assert hash(twin) == hash(original)
    assert twin is not original
    assert type(twin) is type(original)
    assert str(twin) == str(original)
    assert twin.args == original.args
    assert twin.__traceback__ is None
    assert twin.__context__ is None
    assert twin.__cause__ is original.__cause__
    assert raised(twin.copy()) == original


@each_error
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle(error: EntraTokensError, protocol: int) -> None:
    """Errors pickle."""
    again = pickle.loads(pickle.dumps(error, protocol))
    assert again == error
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


@each_error
def test_what_differs_is_not_equal(error: EntraTokensError) -> None:
    assert error != type(error)("another text")
    assert error != str(error)
    other = error.copy()
    other.added = 1  # type: ignore[attr-defined]
    assert error != other
    for unlike in ERRORS:
        assert (error == unlike) is (error is unlike)


class OfAUser(AuthenticationFailed):
    """A subclass with a constructor of its own."""

    def __init__(self, user: str, *, extra: int) -> None:
        super().__init__(f"{user} may not", error="denied")
        self.extra = extra


def test_a_subclass_with_another_constructor_copies_and_pickles() -> None:
    error = OfAUser("u", extra=3)
    for twin in (error.copy(), pickle.loads(pickle.dumps(error))):
        assert twin == error
        assert isinstance(twin, OfAUser)
        assert twin.extra == 3


def test_a_note_is_no_difference() -> None:
    error, other = EntraTokensError("x"), EntraTokensError("x")
    error.__notes__ = ["seen by CI"]  # type: ignore[attr-defined]  # what add_note() of 3.11 does
    assert error == other
    assert not hasattr(error.copy(), "__notes__")
