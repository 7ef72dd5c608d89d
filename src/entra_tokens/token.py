"""Token: the access token as a string that knows when to be renewed and never shows itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from azure.core.credentials import AccessToken, AccessTokenInfo
    from typing_extensions import Self

__all__ = ["Token"]


class Token(str):
    """An access token: a real `str`, so that it fits wherever the text of a token is wanted.

    Immutable, and so safe to share between threads and loops. `repr()` hides the secret, copies are itself, and it
    does not pickle.

    Args:
        value: The token: one non-empty line of printable ASCII. Anything else could inject a header.
        expires_on: Epoch seconds at which resources stop accepting it.
        refresh_on: Epoch seconds at which the authority wants it renewed; None: it did not say.
        scopes: What it was asked for.

    Raises:
        ConfigurationError: `value` cannot go into an HTTP header, or a time is not a finite number.
    """

    __slots__ = ("_shapes", "expires_on", "refresh_on", "scopes")

    expires_on: float
    refresh_on: float | None
    scopes: tuple[str, ...]
    # azure-core's two forms of this token, made once and kept with it, so that form and token cannot come apart.
    _shapes: tuple[AccessToken, AccessTokenInfo] | None

    def __new__(
        cls,
        value: str,
        *,
        expires_on: float,
        refresh_on: float | None = None,
        scopes: Iterable[str] = (),
    ) -> Self:
        if not isinstance(value, str):
            raise ConfigurationError(f"A token must be a str, not {type(value).__name__}.")
        if not value or not value.isascii() or not value.isprintable():
            raise ConfigurationError(
                "A token must be one non-empty line of printable ASCII; this value is not, and sending it could "
                "inject headers. Look at what produced it."
            )
        self = super().__new__(cls, value)
        put = object.__setattr__
        put(self, "expires_on", _instant("expires_on", expires_on))
        put(self, "refresh_on", None if refresh_on is None else _instant("refresh_on", refresh_on))
        put(self, "_shapes", None)
        put(self, "scopes", (scopes,) if isinstance(scopes, str) else tuple(scopes))
        return self

    @property
    def exp(self) -> datetime:
        """When it expires, as an aware UTC `datetime`."""
        from datetime import datetime, timezone

        return datetime.fromtimestamp(self.expires_on, timezone.utc)

    @property
    def scope(self) -> str:
        """The scopes as one space-separated string (RFC 6749 §3.3)."""
        return " ".join(self.scopes)

    def claims(self) -> dict[str, Any]:
        """Decode the payload of a JWT **without verifying anything**: for a look, never for a decision.

        Raises:
            ValueError: The token is opaque (not a JWT).
        """
        return unverified_claims(self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"Token is immutable; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Token is immutable; {name} cannot be deleted")

    def __repr__(self) -> str:
        return f"Token(<hidden>, expires_on={self.expires_on:.0f}, scopes={self.scopes!r})"

    def __copy__(self) -> Token:
        return self

    def __deepcopy__(self, memo: object) -> Token:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "A Token does not pickle, so that no secret lands in a file or a queue by accident. Send the provider "
            "and let the other side ask it, or send str(token) on purpose."
        )


def _instant(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ConfigurationError(f"{name} must be epoch seconds (a finite number), not {type(value).__name__}.")
    return float(value)


def unverified_claims(value: str) -> dict[str, Any]:
    """The payload of a JWT (RFC 7519 §3), unverified; ValueError for anything that is not one."""
    import base64
    import binascii
    import json

    parts = value.split(".")
    if len(parts) != 3:
        raise ValueError("This token is opaque: it is not a JWT.")
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):  # the last: a payload of a hundred thousand brackets
        raise ValueError("This token is opaque: its payload is not JSON.") from None
    if not isinstance(payload, dict):
        raise ValueError("This token is opaque: its payload is not a JSON object.")
    return payload
