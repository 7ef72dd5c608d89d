"""What is sealed opens under its own name and key alone, unchanged."""

from __future__ import annotations

import pytest

from entra_tokens.stores.sealed import VERSION, Seal, Unreadable

KEY, OTHER = bytes(range(32)), bytes(32)
CONTENT = b'{"token":"MARKER"}'


@pytest.fixture
def seal() -> Seal:
    return Seal(KEY)


@pytest.fixture
def name(seal: Seal) -> str:
    return seal.name(("token", "ada"))


def test_what_was_sealed_opens(seal: Seal, name: str) -> None:
    sealed = seal.seal(name, CONTENT)
    assert seal.open(name, sealed) == CONTENT
    assert Seal(KEY).open(name, sealed) == CONTENT
    assert b"MARKER" not in sealed


def test_the_form(seal: Seal, name: str) -> None:
    sealed = seal.seal(name, CONTENT)
    assert sealed[:3] == b"ETS"
    assert sealed[3] == VERSION == 1
    assert sealed[4:12].hex() == seal.id
    assert len(sealed) == 12 + 12 + len(CONTENT) + 16


def test_no_nonce_twice(seal: Seal, name: str) -> None:
    assert len({seal.seal(name, CONTENT)[12:24] for _ in range(1000)}) == 1000


def test_truncated_at_every_length(seal: Seal, name: str) -> None:
    sealed = seal.seal(name, CONTENT)
    for length in range(len(sealed)):
        with pytest.raises(Unreadable):
            seal.open(name, sealed[:length])
    with pytest.raises(Unreadable):
        seal.open(name, sealed + b"\0")


def test_every_bit_counts(seal: Seal, name: str) -> None:
    sealed = seal.seal(name, CONTENT)
    for bit in range(8 * len(sealed)):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unreadable):
            seal.open(name, bytes(flipped))


def test_under_another_name_it_does_not_open(seal: Seal, name: str) -> None:
    with pytest.raises(Unreadable):
        seal.open(seal.name(("token", "eve")), seal.seal(name, CONTENT))


def test_under_another_key_it_does_not_open(seal: Seal, name: str) -> None:
    """Not even with that key's id written over its own."""
    sealed, other = seal.seal(name, CONTENT), Seal(OTHER)
    for content in (sealed, sealed[:4] + bytes.fromhex(other.id) + sealed[12:]):
        with pytest.raises(Unreadable):
            other.open(name, content)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (("a", "b"), ("ab",)),
        (("a", ("b",)), ("a", "b")),
        (("a", None), ("a", "null")),
        (("a", True), ("a", "true")),
        (("a,b",), ("a", "b")),
        (('a","b',), ("a", "b")),
    ],
)
def test_different_keys_have_different_names(seal: Seal, one: tuple[object, ...], two: tuple[object, ...]) -> None:
    assert seal.name(one) != seal.name(two)
    assert seal.name(one) == Seal(KEY).name(one)
    assert seal.name(one) != Seal(OTHER).name(one)


def test_nothing_of_the_key_shows(seal: Seal, name: str) -> None:
    parts = (seal.digest_key, seal._naming_key, seal._sealing_key, KEY)
    assert len(set(parts)) == 4
    shown = repr(seal) + name + seal.id + str(vars(seal).keys())
    assert not any(part.hex()[:16] in shown for part in parts)


def test_a_key_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(KEY[:16])
