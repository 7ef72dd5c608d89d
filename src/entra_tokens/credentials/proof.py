"""How an application proves who it is: the forms that msal takes, and their names without a secret."""

from __future__ import annotations

import threading
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol

from ..authority.redact import Secrets
from ..errors import ConfigurationError, EntraTokensError
from ..record import Record
from .fingerprint import fingerprint, object_key

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AssertionProof", "Assertions", "Named", "Proof", "SecretProof", "Shown", "checked_assertion"]


class Shown(Record):
    """What msal is given, and what must not appear in an error."""

    client_credential: Any
    secrets: Secrets

    def __init__(self, client_credential: Any, secrets: Secrets) -> None:
        self._set(client_credential=client_credential, secrets=secrets)

    def __repr__(self) -> str:
        return "<proof>"


class Named(Protocol):
    """What tells one proof from another. Any thread may call anything."""

    def name(self, key: bytes | None = None) -> tuple[str, ...] | None:
        """What tells it apart, digests of secrets made with the key; None: no other process can mean the same."""
        ...

    @property
    def pickles(self) -> bool:
        """Whether no secret is inside."""
        ...


class Proof(Named, Protocol):
    """What msal can show."""

    def show(self, client_id: str, token_endpoint: str) -> Shown:
        """The proof for one request that this thread is about to make.

        Raises:
            ConfigurationError: There is none.
        """
        ...


class Assertions:
    """Hands each thread's assertion to msal, which takes a callable when it makes an application and keeps that."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._for_msal = {"client_assertion": self._assertion}

    def show(self, assertion: str) -> Shown:
        """What lets this thread's next request carry the assertion."""
        self._mine.assertion = Secrets((assertion,))
        return Shown(self._for_msal, Secrets((assertion,)))

    def _assertion(self) -> str:
        secrets: Secrets = self._mine.assertion
        return secrets[0]


class SecretProof:
    """A client secret."""

    pickles = False

    def __init__(self, secret: str) -> None:
        if not secret.strip():
            raise ConfigurationError("The client secret is empty; an unset environment variable is the usual cause.")
        self._secret = Secrets((secret,))

    def show(self, client_id: str, token_endpoint: str) -> Shown:  # noqa: ARG002 - the same for everybody
        return Shown(self._secret[0], self._secret)

    def name(self, key: bytes | None = None) -> tuple[str, ...]:
        return ("secret", fingerprint(self._secret[0]) if key is None else fingerprint(self._secret[0], key))


class AssertionProof:
    """A callable that returns a client assertion: a JWT of a provider that the application trusts."""

    def __init__(self, assertion: Callable[[], str]) -> None:
        if isinstance(assertion, type) or not callable(assertion):
            raise ConfigurationError("assertion must be a function that takes nothing and returns a client assertion.")
        self.assertion = assertion
        self._assertions = Assertions()

    @property
    def pickles(self) -> bool:
        """Functions pickle by their name; other callables with what they hold."""
        return isinstance(self.assertion, FunctionType)

    def show(self, client_id: str, token_endpoint: str) -> Shown:  # noqa: ARG002 - the callable knows
        try:
            assertion = self.assertion()
        except EntraTokensError:
            raise  # of another credential of ours, and clean
        except Exception as error:
            raised = type(error).__name__
        else:
            return self._assertions.show(checked_assertion(assertion))
        raise ConfigurationError(f"The function that returns the client assertion raised {raised}.")

    def name(self, key: bytes | None = None) -> tuple[str, ...] | None:
        return ("assertion", object_key(self.assertion)) if key is None else None


def checked_assertion(assertion: object) -> str:
    """Return it, or raise ConfigurationError, which does not repeat it."""
    if not isinstance(assertion, str) or not assertion.strip() or not assertion.isascii():
        raise ConfigurationError(
            f"The client assertion must be a JWT (a non-empty str), not {type(assertion).__name__}. A coroutine "
            "function will not do: it runs on a worker thread."
        )
    return assertion.strip()
