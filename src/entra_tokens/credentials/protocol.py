"""What a credential is: one way to get one new token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["Credential"]


@runtime_checkable
class Credential(Protocol):
    """Knows how to get one new token from its authority, and caches nothing.

    Write one of your own with these two members; a provider does the rest. Optional attributes: `interactive = True`
    says that `acquire()` may need a person (see `entra_tokens.acquiring`), `tenant_id` names its tenant,
    `identity_under(key: bytes)` gives the identity for a store, which other processes read: needed where `identity`
    holds what only this process understands (None then: nothing is stored).
    """

    @property
    def identity(self) -> tuple[str, ...]:
        """Everything that decides *whose* token comes back, without any secret.

        Credentials with equal identities share tokens and requests.
        """
        ...

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token. Called on a worker thread, one call at a time per identity and request.

        Raises:
            CredentialUnavailable: Not this environment; a chain goes on.
            EntraTokensError: This environment, but broken; a chain stops.
        """
        ...
