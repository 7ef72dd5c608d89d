"""The key of a cell: whose token, for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..credentials.protocol import Credential
    from ..request import TokenRequest

__all__ = ["Key", "key_of", "key_under"]

Key = tuple[tuple[str, ...], tuple[str, ...], "str | None", bool]  # identity, scopes, tenant, CAE


def key_of(credential: Credential, request: TokenRequest) -> Key:
    """Requests that differ in claims alone have the same key: the answer to a challenge replaces what is held."""
    return _identity(credential, credential.identity), request.scopes, request.tenant_id, request.enable_cae


def _identity(credential: Credential, identity: tuple[str, ...]) -> tuple[str, ...]:
    # Whoever writes a credential does not know the identities of other people's: its class is part of it. Ours know
    # each other's, and two that are the same application (ClientSecret, Environment) share.
    kind = type(credential)
    ours = kind.__module__.partition(".")[0] == __name__.partition(".")[0]
    return tuple(identity) if ours else (kind.__module__, kind.__qualname__, *identity)


def key_under(secret: bytes, credential: Credential, request: TokenRequest) -> Key | None:
    """The same for every process that has this secret; None: no other process can mean the same."""
    under = getattr(credential, "identity_under", None)  # credentials of our users' own need not have it
    identity = credential.identity if under is None else under(secret)
    return (
        None
        if identity is None
        else (_identity(credential, identity), request.scopes, request.tenant_id, request.enable_cae)
    )
