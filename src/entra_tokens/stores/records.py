"""What is sealed: JSON of a fixed shape. Nothing is ever unpickled."""

from __future__ import annotations

import json
from typing import Any

from ..errors import ConfigurationError
from ..record import Record
from ..token import Token
from .protocol import Stored

__all__ = ["Account", "KeptSignIn", "from_json", "to_json"]

_TEXT, _NUMBER, _TEXTS = "text", "number", "texts"
_SHAPES: dict[str, dict[str, str]] = {
    "token": {"token": _TEXT, "expires_on": _NUMBER, "acquired": _NUMBER, "scopes": _TEXTS},
    "sign-in": {"renewal": _TEXT, "who": _TEXT, "names": _TEXTS, "signed_in": _NUMBER},
}
_OPTIONAL = {"token": {"refresh_on": _NUMBER}, "sign-in": {"username": _TEXT}}


class KeptSignIn(Record):
    """A person's sign-in as it is kept.

    Args:
        renewal: The refresh token.
        who: The account's id, unique among those of one application.
        username: What the person signed in as, if the authority told.
        names: Every name that the account is known by, in lower case.
        signed_in: When the person did, epoch seconds.
    """

    renewal: str
    who: str
    username: str | None
    names: frozenset[str]
    signed_in: float

    _hidden = ("renewal",)

    def __init__(self, renewal: str, who: str, username: str | None, names: frozenset[str], signed_in: float) -> None:
        self._set(renewal=renewal, who=who, username=username, names=names, signed_in=signed_in)


class Account(Record):
    """Somebody who is signed in.

    Args:
        username: What they signed in as; None: the authority did not tell.
        authority: `https://host[:port]` of the token service.
        tenant_id: The tenant as it was given to the credential.
        client_id: The application that they signed in to.
        signed_in: When, epoch seconds.
    """

    username: str | None
    authority: str
    tenant_id: str
    client_id: str
    signed_in: float

    def __init__(self, username: str | None, authority: str, tenant_id: str, client_id: str, signed_in: float) -> None:
        self._set(username=username, authority=authority, tenant_id=tenant_id, client_id=client_id, signed_in=signed_in)


def to_json(key: tuple[object, ...], content: Stored | KeptSignIn) -> bytes:
    """The bytes to seal; the entry's whole key is among them."""
    kind = "token" if isinstance(content, Stored) else "sign-in"
    if isinstance(content, Stored):
        token = content.token
        body: dict[str, Any] = {
            "token": str(token),
            "expires_on": token.expires_on,
            "refresh_on": token.refresh_on,
            "scopes": list(token.scopes),
            "acquired": content.acquired,
        }
    else:
        body = {**vars(content), "names": sorted(content.names)}
    return json.dumps({"kind": kind, "key": key, **body}, separators=(",", ":")).encode()


def from_json(text: bytes) -> tuple[list[Any], Stored | KeptSignIn]:
    """The entry's key (tuples are lists), and what is kept under it.

    Raises:
        ValueError: It has another shape.
    """
    body = json.loads(text)
    kind = body.get("kind") if isinstance(body, dict) else None
    if kind not in _SHAPES or not isinstance(body.get("key"), list):
        raise ValueError("another shape")
    for shape, may_lack in ((_SHAPES[kind], False), (_OPTIONAL[kind], True)):
        for name, form in shape.items():
            value = body.get(name)
            if not (may_lack and value is None) and not _has_form(value, form):
                raise ValueError("another shape")
    if kind == "sign-in":
        names = frozenset(body["names"])
        return body["key"], KeptSignIn(
            body["renewal"], body["who"], body.get("username"), names, float(body["signed_in"])
        )
    try:
        token = Token(
            body["token"], expires_on=body["expires_on"], refresh_on=body.get("refresh_on"), scopes=body["scopes"]
        )
    except ConfigurationError:
        raise ValueError("another shape") from None
    return body["key"], Stored(token, float(body["acquired"]))


def _has_form(value: object, form: str) -> bool:
    if form == _TEXTS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if form == _NUMBER:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, str) and bool(value)
