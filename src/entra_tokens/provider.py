"""TokenProvider and AsyncTokenProvider: two thin faces of one engine."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import azure_core
from .engine.flight import Flight
from .engine.waiting import wait_in_loop
from .errors import EntraTokensError
from .handle import Handle
from .lifetime import lasts, warn_if_short

if TYPE_CHECKING:
    from types import TracebackType

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

    from .engine.cell import Cell
    from .engine.policy import RefreshPolicy
    from .token import Token

__all__ = ["AsyncTokenProvider", "TokenProvider"]

TEN_MINUTES = timedelta(minutes=10)


class TokenProvider(Handle):
    """A credential bound to a default scope, with cache and refresh: what a synchronous client is given.

    May be used from many threads at once, and after a fork; in an event loop use `as_async()`. Providers whose
    credentials have the same identity share tokens and requests. The constructor does no I/O.

    Args:
        credential: One of ours, or any object with azure-core's `get_token`; None: `Default()`.
        scope: The default scope, or several; a bare resource becomes its `/.default`; None: `ENTRA_TOKENS_SCOPE`.
        tenant_id: Another tenant than the credential's own to ask by default.
        additionally_allowed_tenants: Tenants that a single call may name beside the credential's own; `"*"`: any.
        store: A second level behind memory, shared by processes.
        policy: When to renew, and how long to wait and to keep quiet.
        keep_fresh: Renew at `refresh_on` even when nobody calls, for as long as the provider is referenced.
        on_event: Called with a `TokenEvent` for every renewal, failure, expiry and invalidation, in order, on a worker
            thread after whoever waited has been served; what it raises is logged.

    Raises:
        ConfigurationError: No scope anywhere, or one that cannot be right; a credential that cannot be used.
    """

    __slots__ = ()

    def token(self, timeout: float | None = None) -> Token:
        """Return the token: at once while one is good, else when the one request in progress lands.

        Args:
            timeout: Seconds to wait where no token is good; None: `RefreshPolicy.wait` (30), or while a person who was
                asked to sign in has time.

        Returns:
            The same object every time until it is renewed.

        Raises:
            TokenTimeout: The wait is over; the request goes on for others.
            EntraTokensError: The request failed and no token is good.
        """
        cell = self._cell
        if cell.wall() < cell.wall_until and cell.boot() < cell.boot_until:
            return cell.token
        return self._obtain(cell, None, timeout)

    def __call__(self) -> Token:
        """Return the token, as `token()`: the shape that openai, asyncpg and the other H2O clients want."""
        return self.token()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,  # noqa: ARG002 - tolerated, as azure-core's protocol demands
    ) -> AccessToken:
        """Return an azure-core `AccessToken`: this is azure-core's `TokenCredential` protocol.

        Args:
            scopes: What the token is for; none: the default scope.
            claims: A claims challenge: bypasses what is held, and the answer replaces it.
            tenant_id: Another tenant; it must be allowed.
            enable_cae: Whether the caller handles continuous access evaluation; such tokens are held apart.
            kwargs: Tolerated, as the protocol demands.

        Raises:
            EntraTokensError: As `token()`; also an azure-core `ClientAuthenticationError`.
        """
        if claims is None and tenant_id is None and not enable_cae:
            cell = self._cells.get(scopes)
            if cell is not None and cell.wall() < cell.wall_until and cell.boot() < cell.boot_until:
                made = cell.token._shapes  # noqa: SLF001 - kept there for us
                if made is not None:
                    return made[0]
        return azure_core.shapes(self._get(scopes, claims, tenant_id, enable_cae))[0]

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return an azure-core `AccessTokenInfo`, with `refresh_on`: azure-core's `SupportsTokenInfo` protocol.

        Args:
            scopes: What the token is for; none: the default scope.
            options: `claims`, `tenant_id` and `enable_cae`, as `get_token()` has them.

        Raises:
            EntraTokensError: As `token()`; also an azure-core `ClientAuthenticationError`.
        """
        asked = options or {}
        token = self._get(scopes, asked.get("claims"), asked.get("tenant_id"), asked.get("enable_cae", False))
        return azure_core.shapes(token)[1]

    def azure_token(self, min_lifetime: timedelta = TEN_MINUTES) -> str:
        """Return a plain `str` for one use, such as `SharedH2OGPTEClient(azure_token=...)`, which never renews it.

        Args:
            min_lifetime: Renews first if less than this is left. If the authority then still gives less, that is
                returned, with a warning.

        Raises:
            EntraTokensError: As `token()`.
        """
        cell, before = self._cell, self._cell.renewals
        token = self.token()
        if cell.renewals == before and not lasts(cell, token, min_lifetime):
            policy = self._open.policy
            flight = cell.renew(policy)
            if flight is not None:
                token = self._wait_out(cell, flight, policy, None, None)
        warn_if_short(cell, token, min_lifetime)
        return str(token)

    def authorization(self) -> str:
        """Return the value of an `Authorization` header: `"Bearer …"` (RFC 6750 §2.1)."""
        return "Bearer " + self.token()

    def as_async(self) -> AsyncTokenProvider:
        """Return the other face: the same cache and flights; each face is closed by itself."""
        return AsyncTokenProvider._of(self._open)  # noqa: SLF001 - the other half of us

    def as_sync(self) -> TokenProvider:
        """Return this face."""
        return self

    def close(self) -> None:
        """Close this handle, not what others share; closing twice is no error."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _get(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None, enable_cae: bool) -> Token:
        try:
            return self._obtain(self._find(scopes, tenant_id, enable_cae), claims, None)
        except EntraTokensError as error:
            failure = error
        raise azure_core.as_azure_error(failure) from failure.__cause__

    def _obtain(self, cell: Cell, claims: str | None, timeout: float | None) -> Token:
        policy = self._open.policy  # read once: a call in flight outlives its provider's close()
        answer = cell.ask(policy, claims)
        return self._wait_out(cell, answer, policy, claims, timeout) if isinstance(answer, Flight) else answer

    @staticmethod
    def _wait_out(
        cell: Cell, flight: Flight, policy: RefreshPolicy, claims: str | None, timeout: float | None
    ) -> Token:
        while True:
            try:
                for seconds in flight.waits(timeout, policy.wait):
                    if flight.landed.wait(seconds):
                        break
            finally:
                cell.leave(flight)
            answer = cell.settle(flight, policy, claims)
            if not isinstance(answer, Flight):
                return answer
            flight = answer


class AsyncTokenProvider(Handle):
    """A `TokenProvider` whose waiting methods are coroutine functions: what an asynchronous client is given.

    May be used from many event loops and threads at once, asyncio and trio; no loop is ever blocked. Takes the same
    arguments as `TokenProvider`, and shares tokens and requests with it.
    """

    __slots__ = ()

    async def token(self, timeout: float | None = None) -> Token:
        """As `TokenProvider.token`; a cancelled caller leaves alone."""
        cell = self._cell
        if cell.wall() < cell.wall_until and cell.boot() < cell.boot_until:
            return cell.token
        return await self._obtain(cell, None, timeout)

    async def __call__(self) -> Token:
        """As `token()`."""
        return await self.token()

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,  # noqa: ARG002 - tolerated, as azure-core's protocol demands
    ) -> AccessToken:
        """As `TokenProvider.get_token`: this is azure-core's `AsyncTokenCredential` protocol."""
        if claims is None and tenant_id is None and not enable_cae:
            cell = self._cells.get(scopes)
            if cell is not None and cell.wall() < cell.wall_until and cell.boot() < cell.boot_until:
                made = cell.token._shapes  # noqa: SLF001 - kept there for us
                if made is not None:
                    return made[0]
        return azure_core.shapes(await self._get(scopes, claims, tenant_id, enable_cae))[0]

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """As `TokenProvider.get_token_info`."""
        asked = options or {}
        token = await self._get(scopes, asked.get("claims"), asked.get("tenant_id"), asked.get("enable_cae", False))
        return azure_core.shapes(token)[1]

    async def azure_token(self, min_lifetime: timedelta = TEN_MINUTES) -> str:
        """As `TokenProvider.azure_token`."""
        cell, before = self._cell, self._cell.renewals
        token = await self.token()
        if cell.renewals == before and not lasts(cell, token, min_lifetime):
            policy = self._open.policy
            flight = cell.renew(policy)
            if flight is not None:
                token = await self._wait_out(cell, flight, policy, None, None)
        warn_if_short(cell, token, min_lifetime)
        return str(token)

    async def authorization(self) -> str:
        """As `TokenProvider.authorization`."""
        return "Bearer " + await self.token()

    def as_async(self) -> AsyncTokenProvider:
        """Return this face."""
        return self

    def as_sync(self) -> TokenProvider:
        """Return the other face: the same cache and flights; each face is closed by itself."""
        return TokenProvider._of(self._open)  # noqa: SLF001 - the other half of us

    async def close(self) -> None:
        """Close this handle, not what others share; closing twice is no error."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._close()

    async def _get(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None, enable_cae: bool) -> Token:
        await azure_core.load_off_the_loop()
        try:
            return await self._obtain(self._find(scopes, tenant_id, enable_cae), claims, None)
        except EntraTokensError as error:
            failure = error
        await azure_core.load_off_the_loop(failure)
        raise azure_core.as_azure_error(failure) from failure.__cause__

    async def _obtain(self, cell: Cell, claims: str | None, timeout: float | None) -> Token:
        policy = self._open.policy  # read once: a call in flight outlives its provider's close()
        answer = cell.ask(policy, claims)
        return await self._wait_out(cell, answer, policy, claims, timeout) if isinstance(answer, Flight) else answer

    @staticmethod
    async def _wait_out(
        cell: Cell, flight: Flight, policy: RefreshPolicy, claims: str | None, timeout: float | None
    ) -> Token:
        while True:
            try:
                for seconds in flight.waits(timeout, policy.wait):
                    if await wait_in_loop(flight.landed, seconds):
                        break
            finally:
                cell.leave(flight)
            answer = cell.settle(flight, policy, claims)
            if not isinstance(answer, Flight):
                return answer
            flight = answer
