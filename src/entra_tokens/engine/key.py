"""The key of a cell: whose token, for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..credentials.protocol import Credential
    from ..request import TokenRequest

__all__ = ["Key", "key_of"]

Key = tuple[tuple[str, ...], tuple[str, ...], "str | None", bool]  # identity, scopes, tenant, CAE


def key_of(credential: Credential, request: TokenRequest) -> Key:
    """Requests that differ in claims alone have the same key: the answer to a challenge replaces what is held."""
    return tuple(credential.identity), request.scopes, request.tenant_id, request.enable_cae
