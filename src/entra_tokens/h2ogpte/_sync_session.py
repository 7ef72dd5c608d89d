"""A chat session whose upgrades follow the 401 rule. Imports the package h2ogpte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # it ships no py.typed
from h2ogpte.session import Session  # type: ignore[import-untyped] # likewise
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from .hidden import HiddenHeaders
from .renewal import REFUSED
from .upgrade import FORBIDDEN, LARGEST, socket_url, status_of

if TYPE_CHECKING:
    import ssl

    from .renewal import Renewal

__all__ = ["RenewingSession"]


class RenewingSession(Session):  # type: ignore[misc] # untyped
    """An `h2ogpte.session.Session`. Whatever goes wrong other than by a 401 is left to the client's own `connect()`."""

    def __init__(self, renewal: Renewal, context: ssl.SSLContext | None, address: str, *args: Any, **options: Any):
        super().__init__(address, *args, **options)
        self._renewal = renewal
        self._context = context
        self._url = socket_url(address, self._chat_session_id, "py")

    def connect(self) -> ClientConnection:
        """Open the socket. A 401 renews the token that it refused, and is answered by one more upgrade.

        Raises:
            UnauthorizedError: A second 401.
            Exception: As the client's own `Session.connect`.
        """
        self.disconnect()
        headers = HiddenHeaders(self._client._get_auth_header())  # noqa: SLF001 - docs/decisions.md
        try:
            opened = self._upgraded(headers)
        except (WebSocketException, OSError) as error:
            status = status_of(error)
            if status not in (REFUSED, FORBIDDEN):
                return cast("ClientConnection", super().connect())
            if status == FORBIDDEN or not self._renewal.refused(headers):
                raise UnauthorizedError({"error": str(error)}) from error
            opened = self._upgraded_again(headers)
        self._connection = opened
        return opened

    def _upgraded_again(self, headers: HiddenHeaders) -> ClientConnection:
        try:
            return self._upgraded(self._renewal.authorized(headers))
        except InvalidHandshake as error:
            if status_of(error) == REFUSED:
                raise UnauthorizedError({"error": str(error)}) from error
            raise

    def _upgraded(self, headers: HiddenHeaders) -> ClientConnection:
        return connect(
            self._url,
            additional_headers=headers,
            ssl_context=self._context,
            open_timeout=self._open_timeout,
            close_timeout=self._close_timeout,
            max_size=LARGEST,
            create_connection=_Impatient,
        )


class _Impatient(ClientConnection):
    """Makes less of a refusal than websockets 11 does, which waits for the server to close as well, for as long as
    `close_timeout`, and forgets an answer whose end is the end of the connection."""

    def handshake(self, *args: Any, **options: Any) -> None:
        try:
            super().handshake(*args, **options)
        except ConnectionError:
            if self.protocol.handshake_exc is not None:
                raise self.protocol.handshake_exc from None
            raise

    def process_event(self, event: Any) -> None:
        super().process_event(event)
        if getattr(event, "status_code", 101) != 101:
            # Ends the thread that reads, in which this runs, and which then closes the socket. To close it from another
            # thread while this one reads would let it read from whichever connection gets its number next.
            raise EOFError
