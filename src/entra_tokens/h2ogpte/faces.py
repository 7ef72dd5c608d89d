"""Whatever a user gives as provider, as a provider of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..provider import AsyncTokenProvider, TokenProvider

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from azure.core.credentials import TokenCredential

    from ..credentials.protocol import Credential

    AnyProvider: TypeAlias = "TokenProvider | AsyncTokenProvider | Credential | TokenCredential | None"

__all__ = ["ours", "to_provider"]


def to_provider(given: AnyProvider, scope: str | Iterable[str] | None) -> TokenProvider:
    """The synchronous face for what was given.

    Args:
        given: A provider of either face; a credential, ours or azure-core's; None: `Default()`.
        scope: Whom the token is for; None: the provider's own, or `ENTRA_TOKENS_SCOPE`.

    Raises:
        ConfigurationError: It is none of these, or there is no scope anywhere.
    """
    if isinstance(given, (TokenProvider, AsyncTokenProvider)):
        provider = given.as_sync()
        return provider if scope is None else provider.with_scope(scope)
    if given is not None and not hasattr(given, "acquire") and not hasattr(given, "get_token"):
        _refuse_foreign_provider(given)
    return TokenProvider(given, scope)


def ours(given: TokenProvider | AsyncTokenProvider) -> TokenProvider:
    """The synchronous face of a provider of ours.

    Raises:
        ConfigurationError: It is not ours.
    """
    if isinstance(given, (TokenProvider, AsyncTokenProvider)):
        return given.as_sync()
    raise ConfigurationError(
        f"A {type(given).__name__} is not a TokenProvider of entra_tokens. Wrap a credential first: "
        "live_azure_token(TokenProvider(credential, scope))."
    )


def _refuse_foreign_provider(given: object) -> None:
    if callable(getattr(given, "token", None)):
        raise ConfigurationError(
            f"A {type(given).__name__} is somebody else's token provider: give it to the client itself, "
            "H2OGPTE(address=..., token_provider=...), or give connect() a TokenProvider of entra_tokens."
        )
