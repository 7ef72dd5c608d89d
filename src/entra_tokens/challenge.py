"""Reads the claims challenge with which a resource refuses a token (RFC 9110 §11.6.1, OpenID CAE).

https://learn.microsoft.com/entra/identity-platform/claims-challenge
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress

__all__ = ["claims_from_challenge"]

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 §5.6.2  # noqa: S105
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*(?=,|$)', re.DOTALL)
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+([A-Za-z0-9._~+/-]+=*)(?=\s*(?:,|$))|(?=\s|,|$))")
_REST = re.compile(r"[^\s,]*[\s,]*")  # a comma, or something that no grammar has
_LARGEST = 1 << 16  # characters


def claims_from_challenge(header: str) -> str | None:
    """The claims that a `WWW-Authenticate` header asks for, as `get_token(claims=...)` takes them.

    A pure function: any thread may call it.

    Args:
        header: The header's value; several of them joined by commas; several challenges in one.

    Returns:
        JSON text; None: no Bearer challenge in it asks for claims that can be read.
    """
    for scheme, parameters in _challenges(header[:_LARGEST]):
        if scheme == "bearer" and "claims" in parameters:
            claims = _decoded(parameters["claims"])
            if claims is not None:
                return claims
    return None


def _challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(header):
        parameter = _PARAMETER.match(header, at)
        if parameter is not None:
            if found:
                value = parameter[3] if parameter[2] is None else re.sub(r"\\(.)", r"\1", parameter[2])
                found[-1][1].setdefault(parameter[1].lower(), value)
            at = parameter.end()
        else:
            scheme = _SCHEME.match(header, at)
            if scheme is None:
                at = max(at + 1, _REST.match(header, at).end())  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] # it matches anything
                continue
            found.append((scheme[1].lower(), {}))
            at = scheme.end()
    return found


def _decoded(value: str) -> str | None:
    """JSON, base64 or base64url, with its padding or without."""
    texts = [value]
    plain = re.sub(r"\s", "", value).rstrip("=").replace("-", "+").replace("_", "/")
    with suppress(ValueError):
        texts.append(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode())
    for text in texts:
        try:
            if isinstance(json.loads(text), dict):
                return text
        except (ValueError, RecursionError):
            continue
    return None
