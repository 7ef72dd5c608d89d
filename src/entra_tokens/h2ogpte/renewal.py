"""What a 401 means, whichever library met it: the refused token is renewed, and the request is sent once more."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from .hidden import HiddenHeaders, HiddenText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..provider import TokenProvider

__all__ = ["REFUSED", "Renewal", "explained"]

REFUSED = 401
_AUTHORIZATION = "Authorization"
_SESSION_ID = "Session-Id"


class Renewal:
    """The rule for one client. Any thread and any loop may call anything.

    Only a token that this client's own scheme carried counts: a 401 for anything else is none of its business.

    Args:
        provider: Whose tokens the client sends.
        scheme: What stands before them in the Authorization header.
        session_id: The client's `Session-Id`; None: whatever its headers say, until a 401.
    """

    def __init__(self, provider: TokenProvider, scheme: str, session_id: str | None = None) -> None:
        self._provider = provider
        self._async = provider.as_async()
        self._prefix = scheme + " "
        self._session_id = session_id

    def refused(self, headers: Mapping[str, Any]) -> bool:
        """Note that a request with these headers met a 401.

        Returns:
            Whether it may be sent once more: whether it carried a token of ours. Of many that carried the same one, the
            first starts the one renewal (`TokenProvider.invalidate`), and `token()` waits for it.
        """
        token = self._carried(headers)
        if token is None:
            return False
        # A server may tie a Session-Id to the token that came with it first: the next token then needs another.
        if self._session_id in (None, headers.get(_SESSION_ID)):
            self._session_id = str(uuid.uuid4())
        self._provider.invalidate(token)
        return True

    def authorized(self, headers: Mapping[str, Any]) -> HiddenHeaders:
        """The headers with the current token and `Session-Id` in the place of what they carry, if that is ours.

        Raises:
            EntraTokensError: As `TokenProvider.token`.
        """
        if self._carried(headers) is None:
            return HiddenHeaders(headers)
        return self.with_token(headers, self._provider.token())

    async def authorized_async(self, headers: Mapping[str, Any]) -> HiddenHeaders:
        """As `authorized`, without blocking the event loop."""
        if self._carried(headers) is None:
            return HiddenHeaders(headers)
        return self.with_token(headers, await self._async.token())

    async def ready(self) -> None:
        """Wait until there is a token: where a live one is only formatted, inside an event loop, nobody can.

        Raises:
            EntraTokensError: As `TokenProvider.token`.
        """
        await self._async.token()

    def continued(self, headers: dict[str, Any]) -> dict[str, Any]:
        """The client's own headers with the current `Session-Id`."""
        if self._session_id is not None and self._carried(headers) is not None:
            headers[_SESSION_ID] = self._session_id
        return headers

    def with_token(self, headers: Mapping[str, Any], token: str) -> HiddenHeaders:
        """The headers with this token, and the current `Session-Id`."""
        return HiddenHeaders(self.continued({**headers, _AUTHORIZATION: self._prefix + token}))

    def _carried(self, headers: Mapping[str, Any]) -> HiddenText | None:
        value = headers.get(_AUTHORIZATION)
        if not isinstance(value, str) or not value.startswith(self._prefix):
            return None
        return HiddenText(value[len(self._prefix) :])


def explained(body: bytes | None) -> bytes:
    """The body of a 401 in the form that the clients' REST methods can read: JSON with a `message`.

    They raise JSONDecodeError or KeyError for a gateway's page or an empty body, where they mean UnauthorizedError.
    """
    try:
        if isinstance(json.loads(body or b"")["message"], str):
            return body or b""
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    said = "The h2oGPTe server, or a gateway before it, answered 401 Unauthorized, and once more to a renewed token."
    return json.dumps({"message": said}).encode()
