"""Credentials are values: equal when their identities are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .protocol import Credential

__all__ = ["Value", "identity_under", "rebuilt", "refuse_pickling"]


class Value:
    """Equality and hash by `identity`."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Everything that decides whose token comes back, without any secret."""
        raise NotImplementedError

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:  # noqa: ARG002 - there is no secret in it
        """The identity for a store that other processes read: digests of secrets in it are made with the store's key.

        None: no other process can mean the same, so that nothing is stored. By default the identity as it is, which
        is right where neither a digest of a secret nor the name of an object is in it.
        """
        return self.identity

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Value):
            return NotImplemented
        return self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def identity_under(credential: Credential, key: bytes) -> tuple[str, ...] | None:
    """The same for any credential, our users' own included."""
    under = getattr(credential, "identity_under", None)
    found = credential.identity if under is None else under(key)
    return None if found is None else tuple(found)


def rebuilt(kind: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A credential made again where it was sent to."""
    return kind(*arguments, **keywords)


def refuse_pickling(kind: str) -> TypeError:
    """The error of a credential that holds a secret."""
    return TypeError(
        f"{kind} does not pickle, so that no secret lands in a file or a queue by accident. Build it on the other "
        "side, from that process's own configuration, or use a credential without a secret such as ManagedIdentity."
    )
