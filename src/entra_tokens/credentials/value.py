"""Credentials are values: equal when their identities are."""

from __future__ import annotations

__all__ = ["Value"]


class Value:
    """Equality and hash by `identity`."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Everything that decides whose token comes back, without any secret."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Value):
            return NotImplemented
        return self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def refuse_pickling(kind: str) -> TypeError:
    """The error of a credential that holds a secret."""
    return TypeError(
        f"{kind} does not pickle, so that no secret lands in a file or a queue by accident. Build it on the other "
        "side, from that process's own configuration, or use a credential without a secret such as ManagedIdentity."
    )
