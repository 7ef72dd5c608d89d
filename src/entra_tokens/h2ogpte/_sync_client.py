"""The synchronous client with the 401 rule. Imports the package h2ogpte: only `connect()` imports this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2ogpte.errors import UnauthorizedError  # type: ignore[import-untyped] # likewise

from h2ogpte import H2OGPTE  # type: ignore[import-untyped] # it ships no py.typed

from ._sync_session import RenewingSession
from .private_names import check
from .renewal import REFUSED
from .rest import Rest
from .rpc import ONE_REQUEST, REPEATABLE, once_more
from .upgrade import socket_context
from .uploads import NOT_AGAIN, Upload

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from h2ogpte.session import Session  # type: ignore[import-untyped] # likewise

    from .renewal import Renewal

__all__ = ["RenewingH2OGPTE"]


check(H2OGPTE, "_get", "_post", "_put", "_delete", "_raise_error_if_any", "_get_auth_header")


class RenewingH2OGPTE(H2OGPTE):  # type: ignore[misc] # untyped
    """An `h2ogpte.H2OGPTE`; each of its requests and socket upgrades that meets a 401 is sent once more."""

    def __init__(self, renewal: Renewal, *, address: str, verify: bool | str = True, **options: Any) -> None:
        self._renewal = renewal  # first: the constructor asks the server for its version
        self._socket_address = address
        self._socket_context: ssl.SSLContext | None = socket_context(address, verify)
        super().__init__(address=address, verify=verify, **options)
        check(self, "_rest_client")
        api: Any = self._rest_client
        check(api, "rest_client")
        api.rest_client = Rest(api.rest_client, renewal)

    def connect(self, chat_session_id: str, *args: Any, **options: Any) -> Session:
        """As `H2OGPTE.connect`; the session is a `Session` whose upgrades follow the rule."""
        place = self._socket_context, self._socket_address
        return RenewingSession(self._renewal, *place, chat_session_id, self, *args, **options)

    def _get_auth_header(self) -> dict[str, Any]:
        return self._renewal.continued(super()._get_auth_header())

    def _put(self, endpoint: str, files: Mapping[str, Any]) -> Any:
        upload = Upload(files)
        answer = super()._put(endpoint, files)
        if answer.status_code != REFUSED or not self._renewal.refused(answer.request.headers):
            return answer
        if not upload.rewind():
            raise UnauthorizedError({"error": NOT_AGAIN})
        return super()._put(endpoint, files)

    def _raise_error_if_any(self, res: Any) -> None:
        try:
            super()._raise_error_if_any(res)
        except UnauthorizedError as error:  # for 403, too
            if res.status_code == REFUSED:
                setattr(error, REPEATABLE, self._renewal.refused(res.request.headers))
            raise


for _name in ONE_REQUEST:
    if hasattr(H2OGPTE, _name):
        setattr(RenewingH2OGPTE, _name, once_more(getattr(H2OGPTE, _name)))
