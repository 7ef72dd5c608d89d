"""What both faces of a provider have in common: everything that does not wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from . import environment
from .engine.engine import current_engine
from .engine.policy import RefreshPolicy
from .errors import ConfigurationError
from .request import TokenRequest, checked_tenant_id, to_scopes
from .tenants import tenant_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import TokenCredential
    from typing_extensions import Self

    from .credentials.protocol import Credential
    from .engine.cell import Cell
    from .engine.engine import Engine
    from .engine.events import Listener
    from .engine.status import ProviderStatus, TokenEvent
    from .stores.protocol import Store

__all__ = ["Handle", "never_sent"]

# get_token() is called with a handful of different scopes by one client; the engine bounds what is beyond.
MOST_SCOPES = 64
_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing it


def never_sent(function: Callable[..., Any]) -> None:
    """Keep the text of this function's coroutines out of every HTTP header.

    A synchronous client that is given an asynchronous provider formats what `token()` returns, and would send
    "Bearer-Token <coroutine object …>". What stands there is the function's qualified name: with a line break in it,
    every HTTP library refuses the header, and shows it. A return value of another type than coroutine would cost every
    `await` as much again, and `asyncio.run(provider.token())` takes nothing else.
    """
    function.__qualname__ += "(), to be awaited; a synchronous client takes the synchronous face, provider.as_sync()\n"


class _Shared:
    """What all faces of one provider have in common; lives as long as the last of them."""

    __slots__ = (
        "__weakref__",
        "allowed",
        "cell",
        "credential",
        "engine",
        "keep_fresh",
        "on_event",
        "policy",
        "request",
        "store",
    )

    def __init__(
        self,
        credential: Credential,
        request: TokenRequest,
        allowed: tuple[str, ...],
        store: Store | None,
        policy: RefreshPolicy,
        keep_fresh: bool,
        on_event: Callable[[TokenEvent], None] | None,
    ) -> None:
        self.engine: Engine = current_engine()
        self.credential = credential
        self.request = request
        self.allowed = allowed
        self.store = store
        self.policy = policy
        self.keep_fresh = keep_fresh
        self.on_event = on_event
        self.cell = self.cell_for(request)
        if keep_fresh:
            self.engine.keeper.keep(self, self.cell, policy)

    def cell_for(self, request: TokenRequest) -> Cell:
        cell = self.engine.cell(self.credential, request, self.store)
        if self.on_event is not None:
            cell.listeners.add(self)
        return cell

    def options(self) -> tuple[Any, ...]:
        """The constructor's arguments, to make another one like it."""
        return self.credential, self.request, self.allowed, self.store, self.policy, self.keep_fresh, self.on_event


class Handle:
    """One handle on what is shared. `_cell` and `_cells` are what the fast paths read."""

    __slots__ = ("__weakref__", "_cell", "_cells", "_shared")

    def __init_subclass__(cls) -> None:
        for name in ("token", "__call__", "azure_token", "authorization"):
            method = vars(cls)[name]
            if method.__code__.co_flags & _COROUTINE:
                never_sent(method)

    _shared: _Shared | None
    _cell: Cell
    _cells: dict[tuple[str, ...], Cell]

    def __init__(
        self,
        credential: Credential | TokenCredential | None = None,
        scope: str | Iterable[str] | None = None,
        *,
        tenant_id: str | None = None,
        additionally_allowed_tenants: Iterable[str] = (),
        store: Store | None = None,
        policy: RefreshPolicy | None = None,
        keep_fresh: bool = False,
        on_event: Callable[[TokenEvent], None] | None = None,
    ) -> None:
        wrapped = _credential(credential)
        request = TokenRequest(_scopes(scope), tenant_id=None if tenant_id is None else checked_tenant_id(tenant_id))
        if isinstance(additionally_allowed_tenants, str) or not isinstance(additionally_allowed_tenants, Iterable):
            raise ConfigurationError("additionally_allowed_tenants takes a list of tenants.")
        if policy is not None and not isinstance(policy, RefreshPolicy):
            raise ConfigurationError(f"policy takes a RefreshPolicy, not a {type(policy).__name__}.")
        if store is not None and not callable(getattr(store, "through", None)):
            raise ConfigurationError(f"store takes a store such as FileStore(), not a {type(store).__name__}.")
        if on_event is not None and not callable(on_event):
            raise ConfigurationError("on_event takes a function that is given a TokenEvent.")
        shared = _Shared(
            wrapped,
            request,
            tuple(additionally_allowed_tenants),
            store,
            policy or RefreshPolicy(),
            keep_fresh,
            on_event,
        )
        self._use(shared)

    def _use(self, shared: _Shared) -> None:
        self._shared = shared
        self._cell = shared.cell
        self._cells = {(): shared.cell, shared.request.scopes: shared.cell}

    @classmethod
    def _of(cls, shared: _Shared) -> Self:
        face = cls.__new__(cls)
        face._use(shared)  # noqa: SLF001 - a face of our own
        return face

    @property
    def _open(self) -> _Shared:
        if self._shared is None:
            raise ConfigurationError(f"This {type(self).__name__} is closed. Make a new one; tokens held are reused.")
        return self._shared

    def with_scope(self, scope: str | Iterable[str]) -> Self:
        """Return a provider for another scope: same credential, same engine, every option kept."""
        credential, request, *rest = self._open.options()
        return self._of(_Shared(credential, TokenRequest(to_scopes(scope), request.tenant_id), *rest))

    def invalidate(self, token: str | None = None) -> bool:
        """Say that a resource refused a token that has not expired; never waits.

        Compare-and-set: only if the held token is that one is it marked refused and renewed, so a burst of 401s costs
        one request. The next call waits for that renewal; if it fails, the old token is served while it lives.

        Args:
            token: The token that was refused; None: whichever is held.

        Returns:
            Whether this call started a renewal: at most one a minute for each identity and scope
            (`RefreshPolicy.forced_renewal_every`), and none against a running `Retry-After`.
        """
        shared = self._open
        return shared.cell.invalidate(shared.policy, token)

    def status(self) -> ProviderStatus:
        """Tell what is held for the default scope; no secret is in it, and nothing waits."""
        return self._open.cell.status()

    @property
    def _is_interactive(self) -> bool:
        """Whether getting a token may need a person."""
        return bool(getattr(self._open.credential, "interactive", False))

    def _keep_fresh_for(self, owner: object) -> None:
        """Renew at `refresh_on`, though nobody calls, for as long as something else is referenced."""
        shared = self._open
        shared.engine.keeper.keep(owner, shared.cell, shared.policy)

    def _tell(self, listener: Listener) -> None:
        """Call a listener's `on_event` for what becomes of the default scope's token, for as long as it lives."""
        self._open.cell.listeners.add(listener)

    def _close(self) -> None:
        self._shared = None
        self._cell = _CLOSED
        self._cells = {}

    def _find(self, scopes: tuple[str, ...], tenant_id: str | None, enable_cae: bool) -> Cell:
        """The cell for a call that names more than the default."""
        shared = self._open
        # azure-core's callers pass "" for "none".
        tenant_id = tenant_id or None
        tenant = tenant_for(shared.credential, tenant_id, shared.request.tenant_id, shared.allowed)
        if not enable_cae and tenant == shared.request.tenant_id:
            cell = self._cells.get(scopes)
            if cell is None:
                if len(self._cells) >= MOST_SCOPES:
                    self._cells = {(): shared.cell, shared.request.scopes: shared.cell}
                cell = self._cells[scopes] = shared.cell_for(TokenRequest(scopes, tenant))
            return cell
        return shared.cell_for(TokenRequest(scopes or shared.request.scopes, tenant, enable_cae=enable_cae))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._open.options())

    def __format__(self, spec: str) -> NoReturn:
        # A client that takes a token formats whatever it is given into a header: SharedH2OGPTEClient(azure_token=…).
        raise TypeError(
            f"A {type(self).__name__} is not a token. Where a client takes a provider, pass it as token_provider= (an "
            "asynchronous client: provider.as_async()); where it takes a token, pass provider.azure_token(), or "
            "use entra_tokens.h2ogpte.SharedClient(address, provider). To show it, use repr()."
        )

    def __repr__(self) -> str:
        shared = self._shared
        if shared is None:
            return f"<{type(self).__name__} closed>"
        return f"<{type(self).__name__} {type(shared.credential).__name__} {' '.join(shared.request.scopes)}>"


def _restore(face: type[Handle], options: tuple[Any, ...]) -> Handle:
    return face._of(_Shared(*options))  # noqa: SLF001 - the other half of __reduce__


class _Closed:
    """What a closed provider asks: always the slow path, which raises."""

    wall_until = boot_until = float("-inf")
    renewals = 0

    @staticmethod
    def wall() -> float:
        return 0.0

    boot = wall

    def ask(self, *_: object) -> NoReturn:
        raise ConfigurationError("This provider is closed. Make a new one; tokens held are reused.")


_CLOSED: Any = _Closed()


def _scopes(scope: str | Iterable[str] | None) -> tuple[str, ...]:
    if scope is None:
        scope = environment.read("ENTRA_TOKENS_SCOPE")
        if not scope:
            raise ConfigurationError(
                "No scope was given. Pass scope='api://<application id>/.default', or set ENTRA_TOKENS_SCOPE."
            )
    return to_scopes(scope)


def _credential(given: Credential | TokenCredential | None) -> Credential:
    """The credential to use; a foreign one is wrapped."""
    from .credentials import protocol

    if given is None:
        from .credentials.default import Default

        return Default()
    if isinstance(given, Handle):
        return given._open.credential  # noqa: SLF001 - a face of our own
    if isinstance(given, str):
        raise ConfigurationError("The credential comes first, the scope second: TokenProvider(None, scope).")
    if isinstance(given, type):
        raise ConfigurationError(f"{given.__name__} is a class: pass an instance, {given.__name__}(...).")
    if isinstance(given, protocol.Credential):
        return given
    if callable(getattr(given, "get_token", None)):
        from .credentials.azure_identity import AzureIdentity

        return AzureIdentity(given)
    raise ConfigurationError(
        f"A {type(given).__name__} is not a credential: it has neither acquire() nor azure-core's get_token(). "
        "Use one of entra_tokens' credentials, or StaticToken(...) for a token that you have."
    )
