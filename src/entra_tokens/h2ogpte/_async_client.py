"""The asynchronous client with the 401 rule. Imports the package h2ogpte: only `connect_async()` imports this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # likewise

from h2ogpte import H2OGPTEAsync  # type: ignore[import-untyped] # it ships no py.typed

from ._async_session import RenewingSessionAsync
from .private_names import check
from .renewal import REFUSED
from .rest import AsyncRest
from .rpc import RenewingAuth, replayable
from .upgrade import socket_context
from .uploads import NOT_AGAIN, Upload

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from h2ogpte.session_async import SessionAsync  # type: ignore[import-untyped] # likewise

    from .renewal import Renewal

__all__ = ["RenewingH2OGPTEAsync"]

check(H2OGPTEAsync, "_RESTClient", "_get_auth_header", "_put")


class RenewingH2OGPTEAsync(H2OGPTEAsync):  # type: ignore[misc] # untyped
    """An `h2ogpte.H2OGPTEAsync`; each of its requests and socket upgrades that meets a 401 is sent once more."""

    def __init__(self, renewal: Renewal, *, address: str, verify: bool | str = True, **options: Any) -> None:
        super().__init__(address=address, verify=verify, **options)
        self._renewal = renewal
        self._socket_address = address
        self._socket_context: ssl.SSLContext | None = socket_context(address, verify)
        check(self, "_client", "_azure_token")
        self._client.auth = RenewingAuth(renewal)

    class _RESTClient(H2OGPTEAsync._RESTClient):  # type: ignore[misc] # untyped  # noqa: SLF001 - docs/decisions.md
        def __init__(self, h2ogpte: RenewingH2OGPTEAsync) -> None:
            super().__init__(h2ogpte)
            self._renewal = h2ogpte._renewal

        async def __aenter__(self) -> Any:
            entered = await super().__aenter__()
            check(self, "_rest_client")
            api: Any = self._rest_client
            check(api, "rest_client")
            api.rest_client = AsyncRest(api.rest_client, self._renewal)
            return entered

    def connect(self, chat_session_id: str, *args: Any, **options: Any) -> SessionAsync:
        """As `H2OGPTEAsync.connect`; the session is a `SessionAsync` whose upgrades follow the rule."""
        place = self._socket_context, self._socket_address
        return RenewingSessionAsync(self._renewal, *place, chat_session_id, self, *args, **options)

    async def _get_auth_header(self) -> dict[str, Any]:
        if self._azure_token is not None:
            await self._renewal.ready()
        return self._renewal.continued(await super()._get_auth_header())

    async def _put(self, endpoint: str, files: Mapping[str, Any]) -> Any:
        upload = Upload(files)
        before = replayable.set(upload.replayable)
        try:
            answer = await super()._put(endpoint, files)  # httpx itself sets its files back
        finally:
            replayable.reset(before)
        if answer.status_code == REFUSED and not upload.replayable:
            raise UnauthorizedError({"error": NOT_AGAIN})
        return answer
