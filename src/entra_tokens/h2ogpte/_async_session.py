"""As `sync_session`, for the asynchronous client. Imports the package h2ogpte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # it ships no py.typed
from h2ogpte.session_async import SessionAsync  # type: ignore[import-untyped] # likewise
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.legacy.client import WebSocketClientProtocol, connect

from .hidden import HiddenHeaders
from .renewal import REFUSED
from .upgrade import FORBIDDEN, LARGEST, socket_url, status_of

if TYPE_CHECKING:
    import ssl

    from .renewal import Renewal

__all__ = ["RenewingSessionAsync"]


class RenewingSessionAsync(SessionAsync):  # type: ignore[misc] # untyped
    """An `h2ogpte.session_async.SessionAsync`, whose own `connect()` repeats a refused upgrade for four minutes."""

    def __init__(self, renewal: Renewal, context: ssl.SSLContext | None, address: str, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._renewal = renewal
        self._context = context
        self._url = socket_url(address, self._chat_session_id, "py")

    async def connect(self) -> WebSocketClientProtocol:
        """As `RenewingSession.connect`."""
        headers = HiddenHeaders(await self._client._get_auth_header())  # noqa: SLF001 - docs/decisions.md
        try:
            opened = await self._upgraded(headers)
        except (WebSocketException, OSError) as error:
            status = status_of(error)
            if status not in (REFUSED, FORBIDDEN):
                return cast("WebSocketClientProtocol", await super().connect())
            if status == FORBIDDEN or not self._renewal.refused(headers):
                raise UnauthorizedError({"error": str(error)}) from error
            opened = await self._upgraded_again(headers)
        self._websocket = opened
        return opened

    async def _upgraded_again(self, headers: HiddenHeaders) -> WebSocketClientProtocol:
        try:
            return await self._upgraded(await self._renewal.authorized_async(headers))
        except InvalidHandshake as error:
            if status_of(error) == REFUSED:
                raise UnauthorizedError({"error": str(error)}) from error
            raise

    async def _upgraded(self, headers: HiddenHeaders) -> WebSocketClientProtocol:
        return await connect(
            self._url,
            extra_headers=headers,
            ssl=self._context,
            open_timeout=self._open_timeout,
            close_timeout=self._close_timeout,
            max_size=LARGEST,
        )
