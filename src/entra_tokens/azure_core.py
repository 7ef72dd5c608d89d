"""azure-core's shapes of tokens and errors, loaded when the first one is asked for (77 ms of imports)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from .engine import workers
from .engine.clock import Signal
from .engine.waiting import wait_in_loop
from .errors import CredentialUnavailable, EntraTokensError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo

    from .token import Token

__all__ = ["as_azure_error", "load_off_the_loop", "shapes"]

_loaded = Signal()


def shapes(token: Token) -> tuple[AccessToken, AccessTokenInfo]:
    """The token as azure-core has it, made once for each token."""
    made = token._shapes  # noqa: SLF001 - kept there for us
    if made is None:
        access_token, access_token_info = _types()
        refresh_on = None if token.refresh_on is None else int(token.refresh_on)
        made = (
            access_token(token, int(token.expires_on)),
            access_token_info(token, int(token.expires_on), refresh_on=refresh_on),
        )
        object.__setattr__(token, "_shapes", made)
    return made


async def load_off_the_loop(error: EntraTokensError | None = None) -> None:
    """Do the imports for a token, or for this error, on a thread, so that no event loop stands still for them."""
    if (error is None and _loaded.is_set()) or (error is not None and type(error) in _azure_kinds):
        return
    done = Signal()

    def load() -> None:
        try:
            _types() if error is None else _azure_kind(type(error))
        finally:
            done.set()

    if workers.start(load, "entra-tokens-import"):
        await wait_in_loop(done, 60.0)


@cache
def _types() -> tuple[type[AccessToken], type[AccessTokenInfo]]:
    with workers.importing(loggers=True):
        from azure.core.credentials import AccessToken, AccessTokenInfo

    class HiddenAccessToken(AccessToken):
        """`azure.core.credentials.AccessToken` whose `repr` hides the token."""

        __slots__ = ()

        def __repr__(self) -> str:
            return f"AccessToken(token=<hidden>, expires_on={self.expires_on})"

    class HiddenAccessTokenInfo(AccessTokenInfo):
        """`azure.core.credentials.AccessTokenInfo` whose `repr` hides the token."""

        def __repr__(self) -> str:
            return f"AccessTokenInfo(token=<hidden>, expires_on={self.expires_on}, refresh_on={self.refresh_on})"

    _loaded.set()
    return HiddenAccessToken, HiddenAccessTokenInfo


def as_azure_error(error: EntraTokensError) -> EntraTokensError:
    """An equal error that Azure SDK code catches, too.

    It is also a ClientAuthenticationError, or for CredentialUnavailable a CredentialUnavailableError, with everything
    that their constructors set (ChainedTokenCredential reads `.message`).
    """
    if type(error) in _azure_kinds.values():  # of a provider that is another one's credential
        return error.copy()
    twin = _restore_azure_error(type(error), error.message, dict(vars(error)))
    twin.__cause__ = error.__cause__
    twin.__suppress_context__ = True
    return twin


def _restore_azure_error(kind: type[EntraTokensError], message: str, attributes: dict[str, Any]) -> EntraTokensError:
    both = _azure_kind(kind)
    error = both.__new__(both, message)
    _azure_base(kind).__init__(error, message)
    # AzureError keeps whatever exception is being handled, with all its frames: not ours to hand out.
    vars(error).update(exc_type=None, exc_value=None, exc_traceback=None, exc_msg=message)
    error.args = (message,)
    vars(error).update(attributes)
    return error


def _azure_base(kind: type[EntraTokensError]) -> Any:
    with workers.importing(loggers=True):
        if issubclass(kind, CredentialUnavailable):
            # The package's root imports every credential (160 ms): not where an event loop runs.
            from azure.identity import CredentialUnavailableError

            return CredentialUnavailableError
        from azure.core.exceptions import ClientAuthenticationError

        return ClientAuthenticationError


_azure_kinds: dict[type[EntraTokensError], type[EntraTokensError]] = {}


def _azure_kind(kind: type[EntraTokensError]) -> type[EntraTokensError]:
    both = _azure_kinds.get(kind)
    if both is None:
        both = _azure_kinds[kind] = _both_kinds(kind)
    return both


def _both_kinds(kind: type[EntraTokensError]) -> type[EntraTokensError]:
    def reduce(self: EntraTokensError) -> tuple[Any, ...]:
        return _restore_azure_error, (kind, self.message, _plain(vars(self)))

    def copy(self: EntraTokensError) -> EntraTokensError:
        return as_azure_error(_plain_error(kind, self))

    return type(
        kind.__name__, (kind, _azure_base(kind)), {"__reduce__": reduce, "copy": copy, "__module__": kind.__module__}
    )


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """Our attributes alone; azure-core's own may hold a response that does not pickle."""
    return {name: value for name, value in attributes.items() if name not in _AZURE_ATTRIBUTES}


_AZURE_ATTRIBUTES = frozenset(
    {
        "continuation_token",
        "exc_msg",
        "exc_traceback",
        "exc_type",
        "exc_value",
        "inner_exception",
        "model",
        "reason",
        "response",
        "status_code",
    }
)


def _plain_error(kind: type[EntraTokensError], error: EntraTokensError) -> EntraTokensError:
    plain = kind.__new__(kind, error.message)
    plain.args = (error.message,)
    vars(plain).update(_plain(vars(error)))
    plain.__cause__ = error.__cause__
    return plain
